//! Certificates that an earlier kernel read wrongly, file by file (`tests/fixtures/found/kernel`): none may be
//! accepted again, in either arithmetic.

use std::path::{Path, PathBuf};

use propcert::certificate::{Arithmetic, CheckError, Checked, Settings, Subject, check_file};
use propcert::model::{CsvFile, DataSet, Digest, Model};
use propcert::spec::{Semantics, Spec};

const BOTH: [Arithmetic; 2] = [Arithmetic::Rounded, Arithmetic::Exact];

/// The files of one fault.
struct Found {
    folder: PathBuf,
    spec: &'static str,
    data: Option<DataSet>,
    semantics: Option<Semantics>,
}

impl Found {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/found/kernel");
        Self { folder: folder.join(name), spec: "spec.toml", data: None, semantics: None }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// With the rows of `rows.csv`.
    fn with_rows(mut self) -> Self {
        let (meta, rows) = (self.read("rows.meta.json"), self.read("rows.csv"));
        let files = [CsvFile { name: "rows.csv", bytes: &rows }];
        self.data = Some(DataSet::read(&meta, &files).unwrap());
        self
    }

    /// With the two files of a split.
    fn with_split(mut self, name: &str) -> Self {
        let read = |file: &str| self.read(&format!("{name}/{file}"));
        let (meta, train, test) = (read("meta.json"), read("train.csv"), read("test.csv"));
        let files = [
            CsvFile { name: "train.csv", bytes: &train },
            CsvFile { name: "test.csv", bytes: &test },
        ];
        self.data = Some(DataSet::read(&meta, &files).unwrap());
        self
    }

    fn check(&self, certificate: &str, settings: Settings) -> Result<Checked, CheckError> {
        self.check_text(&self.read(certificate), settings)
    }

    fn check_text(&self, text: &[u8], settings: Settings) -> Result<Checked, CheckError> {
        let (model, spec) = (self.read("model.json"), self.read(self.spec));
        let parsed = Model::read(&model).unwrap();
        let mut claim = Spec::read(&spec).unwrap();
        claim.semantics = self.semantics.or(claim.semantics);
        let subject = Subject {
            model: (&parsed, Digest::of(&model)),
            spec: &claim,
            data: self.data.as_ref(),
            defense: None,
        };
        check_file(&subject, &mut &*text, settings, &mut |_| {})
    }

    /// What each arithmetic says of a file that can be read: whether it is as stated, and how many it proves.
    fn verdicts(&self, certificate: &str) -> [(bool, u64); 2] {
        BOTH.map(|arithmetic| {
            let settings = Settings { arithmetic, ..Settings::default() };
            let checked = self.check(certificate, settings).unwrap();
            (checked.is_as_stated(), checked.tally.all.proved)
        })
    }
}

const REFUSED: [(bool, u64); 2] = [(false, 0); 2];
const AS_STATED: [(bool, u64); 2] = [(true, 0); 2];

#[test]
fn a_coefficient_that_overflowed_meets_a_side_that_ends_at_0() {
    assert_eq!(Found::new("nan-coefficient").verdicts("c.jsonl"), REFUSED);
    for found in ["nan-coefficient-dual", "nan-coefficient-f32"] {
        let mut found = Found::new(found).with_rows();
        found.semantics = Some(Semantics::Real);
        assert_eq!(found.verdicts("linear.jsonl"), REFUSED);
        assert_eq!(found.verdicts("c.jsonl"), AS_STATED);
        // a rule of an older draft
        assert!(found.check("dual.jsonl", Settings::default()).is_err());
    }
}

#[test]
fn a_box_does_not_leave_the_domain() {
    let found = Found::new("box-beyond-domain").check("c.jsonl", Settings::default());
    let error = found.unwrap_err();
    assert!(matches!(error, CheckError::Lower(_)), "{error}");
    assert!(error.to_string().contains("the box of `x` reaches beyond its range"), "{error}");
}

#[test]
fn a_claim_about_no_point_is_invalid() {
    for (spec, certificate) in [("spec.toml", "c.jsonl"), ("spec2.toml", "c2.jsonl")] {
        let found = Found { spec, ..Found::new("empty-range") };
        assert_eq!(found.verdicts(certificate), REFUSED);
        let text = String::from_utf8(found.read(certificate)).unwrap();
        let honest = text.replace("tree-pairs", "none").replace("\"proved\":1", "\"proved\":0");
        let honest = honest.replace("\"invalid\":0", "\"invalid\":1");
        let checked = found.check_text(honest.as_bytes(), Settings::default()).unwrap();
        assert!(checked.is_as_stated() && checked.tally.all.invalid == 1, "{:?}", checked.findings);
    }
}

/// Rows of one file cannot pass for rows of the other.
#[test]
fn two_splits_have_two_digests() {
    let [a, b] = ["A", "B"].map(|name| Found::new("digest-boundary").with_split(name));
    let digest = |found: &Found| found.data.as_ref().unwrap().digest();
    assert_ne!(digest(&a), digest(&b));
    // a certificate for one of them, as it is written today
    let text = String::from_utf8(b.read("B.jsonl")).unwrap();
    let stale = text.split("\"data\":\"").nth(1).unwrap()[..64].to_owned();
    let text = text.replace(&stale, &digest(&b).to_string());
    assert!(b.check_text(text.as_bytes(), Settings::default()).unwrap().is_as_stated());
    let error = a.check_text(text.as_bytes(), Settings::default()).unwrap_err();
    assert!(matches!(error, CheckError::Other { what: "data", .. }), "{error}");
}

#[test]
fn arrays_are_no_objects() {
    let found = Found::new("arrays-for-objects");
    assert!(Model::read(&found.read("model.json")).is_err());
    let other = Found::new("box-beyond-domain");
    for certificate in ["a.jsonl", "b.jsonl"] {
        let text = found.read(certificate);
        let error = other.check_text(&text, Settings::default()).unwrap_err();
        assert!(matches!(error, CheckError::Format { line: 1, .. }), "{certificate}: {error}");
    }
    // every line, and what is nested in it
    let good = String::from_utf8(other.read("c.jsonl")).unwrap();
    for (object, array) in [
        ("{\"nodes\":500}", "[500]"),
        ("{\"at\":0,\"rule\":\"interval\"}", "[0,\"interval\"]"),
        ("{\"proved\":1,\"refuted\":0,\"undecided\":0,\"vacuous\":0,\"invalid\":0}", "[1,0,0,0,0]"),
        (
            "{\"at\":0,\"rule\":\"interval\"}",
            "{\"at\":0,\"rule\":\"linear\",\"hints\":[[[],[],[],[]]]}",
        ),
    ] {
        let text = good.replace(object, array);
        assert_ne!(text, good);
        let inside = Found { folder: folder_of_a_wider_domain(), ..Found::new("") };
        let error = inside.check_text(inside.restated(&text).as_bytes(), Settings::default());
        let error = error.unwrap_err();
        assert!(matches!(error, CheckError::Format { .. }), "{array}: {error}");
    }
}

/// The model of `box-beyond-domain` without a range, so that its box is one.
fn folder_of_a_wider_domain() -> PathBuf {
    let found = Found::new("box-beyond-domain");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wider-domain");
    std::fs::create_dir_all(&folder).unwrap();
    let model = String::from_utf8(found.read("model.json")).unwrap();
    std::fs::write(folder.join("model.json"), model.replace(",\"low\":\"0\",\"high\":\"1\"", ""))
        .unwrap();
    std::fs::write(folder.join("spec.toml"), found.read("spec.toml")).unwrap();
    folder
}

impl Found {
    /// The text with this model's digest.
    fn restated(&self, text: &str) -> String {
        let stale = text.split("\"model\":\"").nth(1).map(|rest| rest[..64].to_owned());
        text.replace(&stale.unwrap(), &Digest::of(&self.read("model.json")).to_string())
    }
}

/// Shifted copies of a region cost the square of the features, whatever the trees.
#[test]
fn work_on_many_features_is_counted() {
    let features: Vec<String> = (0..4000)
        .map(|k| format!(r#"{{"name":"x{k}","kind":"real","low":"0","high":"1"}}"#))
        .collect();
    let model = format!(
        r#"{{"format":"model/1","family":"ensemble","precision":"f64","classes":2,"features":[{}],
        "base":[0],"trees":[{{"output":0,"feature":[3999,0,0],"threshold":[-0.05,0,0],"left":[1,-1,-1],
        "right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,-5,5]}}]}}"#,
        features.join(",")
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("many-features");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.json"), &model).unwrap();
    let spec =
        "property='boundary-fuzz'\nscope='domain'\nshift='0.1'\nepsilon='0.1'\nunits='raw'\n";
    std::fs::write(folder.join("spec.toml"), spec).unwrap();
    let text = format!(
        "{{\"schema\":\"certificate/1\",\"tool\":\"t\",\"model\":\"{}\",\"spec\":\"{}\",\"semantics\":\"real\",\
         \"integers\":\"respect\",\"budget\":{{\"nodes\":1}}}}\n{{\"at\":0,\"rule\":\"tree-pairs\"}}\n",
        Digest::of(model.as_bytes()),
        Digest::of(spec.as_bytes())
    );
    let found = Found { folder, ..Found::new("") };
    let settings = Settings { max_work: 100_000_000, ..Settings::default() };
    let error = found.check_text(text.as_bytes(), settings).unwrap_err();
    assert!(error.to_string().contains("more work than allowed"), "{error}");
}

/// Between whole numbers there is no difference of 0.2 to 0.8: the claim speaks of no pair.
#[test]
fn rows_that_leave_whole_features_no_difference_are_invalid() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-whole-difference");
    std::fs::create_dir_all(&folder).unwrap();
    let model = r#"{"format":"model/1","family":"mlp","precision":"f64","classes":1,
        "features":[{"name":"x","kind":"integer"}],"layers":[{"weights":[[1.0]],"bias":[0.0]}]}"#;
    for (least, expected) in [("-0.2", (0, 1)), ("0", (0, 0))] {
        let spec = format!(
            "property='output-region'\nunits='raw'\ncopies=2\nunsafe=[[{{y=['1','1'],rhs='10'}}]]\n[[input]]\n\
             box=[['0','1']]\nrows=[{{x=['-1','1'],rhs='0.8'}},{{x=['1','-1'],rhs='{least}'}}]\n"
        );
        std::fs::write(folder.join("model.json"), model).unwrap();
        std::fs::write(folder.join("spec.toml"), &spec).unwrap();
        let found = Found { folder: folder.clone(), ..Found::new("") };
        let text = format!(
            "{{\"schema\":\"certificate/1\",\"tool\":\"t\",\"model\":\"{}\",\"spec\":\"{}\",\"semantics\":\"real\",\
             \"integers\":\"respect\",\"budget\":{{\"nodes\":1}}}}\n{{\"at\":0,\"rule\":\"none\"}}\n\
             {{\"totals\":{{\"proved\":0,\"refuted\":0,\"undecided\":0,\"vacuous\":0,\"invalid\":1}}}}\n",
            Digest::of(model.as_bytes()),
            Digest::of(spec.as_bytes())
        );
        let all = found.check_text(text.as_bytes(), Settings::default()).unwrap().tally.all;
        assert_eq!((all.proved, all.invalid), expected, "{least}");
        // and no case distinction makes it true
        let split = text.replace("\"none\"", "\"split\",\"tree\":\"i0:0x1p-1 L L\"");
        let checked = found.check_text(split.as_bytes(), Settings::default()).unwrap();
        assert_eq!(checked.tally.all.proved, 0, "{least}");
    }
}

/// Arrays and blocks without outputs, in specs.
#[test]
fn specs_name_what_they_mean() {
    let network = r#"{"format":"model/1","family":"mlp","precision":"f64","classes":1,
        "features":[{"name":"x","kind":"real"}],"layers":[{"weights":[[1.0]],"bias":[0.0]}]}"#;
    let network = Model::read(network.as_bytes()).unwrap();
    let text = |block: &str, rest: &str| {
        format!("property='output-region'\nunits='raw'\nunsafe=[[{block}]]\n{rest}")
    };
    let boxed = "[[input]]\nbox=[['0','1']]\n";
    let good = "{y=['1'],rhs='-1'}";
    assert!(Spec::read(text(good, boxed).as_bytes()).is_ok());
    for bad in [
        text("[['1'],'-1']", boxed),
        text(good, "input=[[[['0','1']],[]]]\n"),
        text(good, &format!("{boxed}rows=[[['1'],'7']]\n")),
    ] {
        assert!(Spec::read(bad.as_bytes()).is_err(), "{bad}");
    }
    for empty in ["{y=['0'],rhs='-1'}", "{y=['0'],rhs='0',strict=true}"] {
        let spec = Spec::read(text(empty, boxed).as_bytes()).unwrap();
        let refused = propcert::spec::Lowered::new(&spec, &network, None, &[]).unwrap_err();
        assert!(refused.to_string().contains("name no output"), "{refused}");
    }
}
