//! Checking a certificate of a small ensemble: no panic, and a false claim is never proved.
//!
//! The ensemble is one stump; the claim "label 1 within a quarter" is true of every row from 3 on
//! and false of the others.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use propcert::certificate::{Entry, Header, Settings, Subject, check_file};
use propcert::model::{CsvFile, DataSet, Digest, Model};
use propcert::spec::Spec;

const MODEL: &[u8] = br#"{"format":"model/1","family":"ensemble","precision":"f32","classes":2,
"features":[{"name":"x","kind":"real","low":"0","high":"8"}],"base":[0],
"trees":[{"output":0,"feature":[0,0,0],"threshold":[2,0,0],"left":[1,-1,-1],"right":[2,-1,-1],
"default-left":[0,0,0],"leaf":[0,-1,1]}]}"#;
const SPEC: &[u8] = b"property = 'label'\nepsilon = '0.25'\n";
const META: &str = r#"{"name":"made","label":"y","features":["x"],"kinds":["real"],
"ranges":[["0","8"]],"files":{"train":"train.csv","test":"test.csv"},"synthetic":true}"#;

struct Case {
    model: Model,
    spec: Spec,
    data: DataSet,
    header: String,
}

static CASE: LazyLock<Case> = LazyLock::new(|| {
    let test = CsvFile { name: "test.csv", bytes: b"x,y\n1,1\n2,1\n4,1\n5,1\n" };
    let train = CsvFile { name: "train.csv", bytes: b"x,y\n1,0\n4,1\n" };
    let data = DataSet::read(META.as_bytes(), &[train, test]).unwrap();
    let [model, spec] = [MODEL, SPEC].map(Digest::of);
    let header = format!(
        r#"{{"schema":"certificate/1","tool":"fuzz","model":"{model}","spec":"{spec}","data":"{}","part":"train","rows":2,"semantics":"served-f32","integers":"respect","budget":{{"nodes":1}}}}"#,
        data.digest()
    );
    Case { model: Model::read(MODEL).unwrap(), spec: Spec::read(SPEC).unwrap(), data, header }
});

fuzz_target!(|bytes: &[u8]| {
    let _ = (Header::parse(bytes), Entry::parse(bytes));
    let case = &*CASE;
    let subject = Subject {
        model: (&case.model, Digest::of(MODEL)),
        spec: &case.spec,
        data: Some(&case.data),
        defense: None,
    };
    for text in [bytes.to_vec(), [case.header.as_bytes(), b"\n", bytes].concat()] {
        let checked = check_file(&subject, &mut text.as_slice(), Settings::default(), &mut |_| ());
        if let Ok(checked) = checked {
            let rows = case.data.part(checked.header.part.unwrap());
            for at in checked.proved {
                let (x, label) = (rows[at].values[0], rows[at].label);
                assert!((x >= 3.0) == (label == 1), "row {at} is proved");
            }
        }
    }
});
