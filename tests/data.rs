//! Data: what is read, what is refused and where, how parts are dealt, what is made and imported.
#![cfg(feature = "full")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use propcert::dataset::{self, DatasetError, Description, ImportOptions};
use propcert::model::{CsvFile, DataError, DataSet, Digest, Kind, Part};
use propcert::source::{self, SourceError};

const META: &str = r#"{"name":"n","label":"y","features":["a","b"],"kinds":["real","integer"],
    "ranges":[["0","9"],["0","9"]],"files":{"all":"n.csv"},"synthetic":false,"notes":1}"#;

fn read(csv: &[u8]) -> Result<DataSet, DataError> {
    DataSet::read(META.as_bytes(), &[CsvFile { name: "n.csv", bytes: csv }])
}

#[test]
fn refusals_name_file_line_column_and_reason() {
    let table: [(&str, &[u8], &[&str]); 19] = [
        ("no label column", b"x,a,b\n0,1,2\n", &["n.csv, line 1, column 1", "`x`", "`y`"]),
        ("another feature", b"y,a,c\n0,1,2\n", &["n.csv, line 1, column 3", "`c`", "`b`"]),
        ("a feature twice", b"y,a,a,b\n0,1,2,3\n", &["line 1, column 3", "`a`", "each name once"]),
        ("a column too many", b"y,a,b,c\n0,1,2,3\n", &["line 1, column 4", "`c`", "no further"]),
        ("a column too few", b"y,a\n0,1\n", &["n.csv, line 1, column 3", "`b`"]),
        ("ragged", b"y,a,b\n0,1,2\n1,1\n", &["n.csv, line 3", "2 cells", "3"]),
        ("NaN", b"y,a,b\n0,1,2\n1,NaN,2\n", &["n.csv, line 3, column 2 (`a`)", "`NaN`"]),
        ("infinity", b"y,a,b\n0,1,inf\n", &["n.csv, line 2, column 3 (`b`)", "`inf`", "finite"]),
        ("text", b"y,a,b\n0,red,2\n", &["n.csv, line 2, column 2 (`a`)", "`red`"]),
        ("empty cell", b"y,a,b\n0,,2\n", &["n.csv, line 2, column 2 (`a`)", "empty"]),
        ("f32 overflow", b"y,a,b\n0,1,2\n1,1e39,2\n", &["line 3, column 2 (`a`)", "32-bit"]),
        ("label text", b"y,a,b\nspam,1,2\n", &["line 2, column 1 (`y`)", "`spam`", "class"]),
        ("label missing", b"y,a,b\n0,1,2\n,1,2\n", &["n.csv, line 3, column 1 (`y`)"]),
        ("empty class", b"y,a,b\n0,1,2\n2,1,3\n", &["class 1 has no row", "2"]),
        ("not UTF-8", b"y,a,b\n0,1,2\n1,\xff,2\n", &["n.csv, line 3", "UTF-8"]),
        ("blank lines, cell", b"y,a,b\n0,1,2\n\n\n1,NaN,2\n", &["n.csv, line 5, column 2"]),
        ("blank lines, ragged", b"y,a,b\n0,1,2\n\n\n1,2\n", &["n.csv, line 5", "2 cells"]),
        ("CR LF", b"y,a,b\r\n0,1,2\r\n\r\n1,red,2\r\n", &["n.csv, line 4, column 2"]),
        ("a line end inside quotes", b"y,a,b\n0,\"1\n\",2\n1,red,2\n", &["n.csv, line 2"]),
    ];
    for (case, csv, expected) in table {
        let message = read(csv).expect_err(case).to_string();
        for part in expected {
            assert!(message.contains(part), "{case}: `{part}` is not in `{message}`");
        }
    }
    assert!(matches!(read(b"y,a,b\n"), Err(DataError::NoRows { .. })));
    assert!(matches!(read(b"y,a,b\n0,1,2\n"), Err(DataError::OneClass)));
    assert!(matches!(read(b"\x1f\x8b\x08broken"), Err(DataError::Gzip { .. })));
}

/// Answered points are one part, in file order, and no class needs to occur; nothing else stands beside them.
#[test]
fn served_points_are_a_part_of_their_own() {
    let served = META.replace("\"all\"", "\"served\"");
    let csv = b"y,a,b\n1,3,2\n1,1,2\n1,1,2\n";
    let files = [CsvFile { name: "n.csv", bytes: csv }];
    let data = DataSet::read(served.as_bytes(), &files).unwrap();
    let values: Vec<f64> = data.part(Part::Served).iter().map(|row| row.values[0]).collect();
    assert_eq!((values, data.classes()), (vec![3.0, 1.0, 1.0], 2));
    assert!(Part::ALL.iter().all(|part| data.part(*part).is_empty()));
    assert_eq!(data.digest(), Digest::of_all([csv.as_slice(), served.as_bytes()]));
    for files in
        [r#"{"all":"n.csv","served":"n.csv"}"#, r#"{"test":"n.csv","served":"n.csv"}"#, "{}"]
    {
        let meta = META.replace(r#"{"all":"n.csv"}"#, files);
        let both = [CsvFile { name: "n.csv", bytes: csv }; 2];
        let refused = DataSet::read(meta.as_bytes(), &both).unwrap_err().to_string();
        assert!(refused.contains("or `served`"), "{refused}");
    }
}

#[test]
fn the_row_key_is_blake3_of_the_unquoted_texts() {
    let data = read(b"a,y,b\n 1.50,0,2\n".as_slice());
    assert!(data.is_err(), "a blank is no part of a number");
    let data = read(b"a,y,b\n\"1.50\",0,2\n1.5,1,2\n").unwrap();
    let rows: Vec<_> = Part::ALL.iter().flat_map(|&part| data.part(part)).collect();
    let keys: BTreeSet<Digest> = rows.iter().map(|row| row.key).collect();
    assert_eq!(keys, BTreeSet::from([Digest::of(b"1.50,0,2"), Digest::of(b"1.5,1,2")]));
    assert!(rows.iter().all(|row| row.values == [1.5, 2.0]));
}

/// Columns are found by name, in any order; the key is of the texts as the file has them.
#[test]
fn columns_stand_in_any_order() {
    let data = read(b"b,y,a\n2,0,1\n3,1,4\n").unwrap();
    let rows: Vec<_> = Part::ALL.iter().flat_map(|&part| data.part(part)).collect();
    let row = rows.iter().find(|row| row.label == 0).unwrap();
    assert_eq!((row.values.as_slice(), row.key), ([1.0, 2.0].as_slice(), Digest::of(b"2,0,1")));
    let model = |features: &str| {
        let feature = |name: &str| format!("{{\"name\":\"{name}\",\"kind\":\"real\"}}");
        let features: Vec<String> = features.split(' ').map(feature).collect();
        let text = format!(
            "{{\"format\":\"model/1\",\"family\":\"ensemble\",\"precision\":\"f64\",\"classes\":2,\"features\":[{}],\
             \"base\":[0],\"trees\":[]}}",
            features.join(",")
        );
        propcert::model::Model::read(text.as_bytes()).unwrap().schema
    };
    let turned = data.clone().ordered_as(&model("b a")).unwrap();
    assert_eq!(turned.meta().features, ["b", "a"]);
    assert_eq!(turned.meta().kinds, [Kind::Integer, Kind::Real]);
    assert_eq!(turned.digest(), data.digest());
    for part in Part::ALL {
        for (turned, row) in turned.part(part).iter().zip(data.part(part)) {
            let [a, b] = row.values[..] else { panic!("{row:?}") };
            assert_eq!((turned.values.as_slice(), turned.key), ([b, a].as_slice(), row.key));
        }
    }
    assert!(
        data.check_features(&model("b a")).is_err() && turned.check_features(&model("b a")).is_ok()
    );
    let refused = data.ordered_as(&model("a c d")).unwrap_err().to_string();
    assert!(refused.ends_with("missing `c`, `d`; not in the model `b`"), "{refused}");
}

#[test]
fn the_digest_is_of_the_unpacked_rows_and_the_meta_file() {
    let csv = b"y,a,b\n0,1,2\n1,2,3\n";
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, csv).unwrap();
    let packed = read(&packer.finish().unwrap()).unwrap();
    let joined = [csv.as_slice(), META.as_bytes()].concat();
    assert_eq!(packed.digest(), Digest::of(&joined));
    assert_eq!(read(csv).unwrap().digest(), packed.digest());
}

/// Parts by the definition: whole groups in the order of keys until a share is reached.
#[test]
fn parts_follow_the_definition() {
    let text: String = (0..600).map(|k| format!("{},{},{}\n", k % 2, k % 97, k % 5)).collect();
    let csv = format!("y,a,b\n{text}");
    let mut rows: Vec<(Digest, usize)> =
        text.lines().enumerate().map(|(at, line)| (Digest::of(line.as_bytes()), at)).collect();
    rows.sort();
    let take = |rows: &mut Vec<(Digest, usize)>, share: usize| -> Vec<(Digest, usize)> {
        let (all, mut taken) = (rows.len(), 0);
        while taken * 100 < all * share || (taken < all && rows[taken].0 == rows[taken - 1].0) {
            taken += 1;
        }
        rows.drain(..taken).collect()
    };
    let mut test = take(&mut rows, 30);
    rows.reverse();
    let validation = take(&mut rows, 10);
    test.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let auxiliary: Vec<_> = test.drain(..50).collect();
    let data = read(csv.as_bytes()).unwrap();
    let parts = [rows, validation, test, auxiliary];
    for (part, mut expected) in Part::ALL.into_iter().zip(parts) {
        expected.sort_by_key(|&(_, at)| at);
        let expected: Vec<Digest> = expected.into_iter().map(|(key, _)| key).collect();
        let found: Vec<Digest> = data.part(part).iter().map(|row| row.key).collect();
        assert_eq!(found, expected, "{}", part.name());
    }
}

#[test]
fn spambase_is_built_in_and_as_published() {
    let data = source::read("spambase", None).unwrap();
    let facts = dataset::describe(&data);
    assert_eq!((facts.rows, facts.features.len()), (4601, 57));
    assert_eq!(facts.classes, [2788, 1813]);
    assert_eq!((facts.repeated_rows, facts.conflicting_pairs), (391, 3));
    assert_eq!(facts.parts[3].rows, 50);
    assert_eq!(facts.paper, None);
    let [train, validation, test, _] = Part::ALL.map(|part| data.part(part).len());
    assert!((1380..1400).contains(&(test + 50)), "30% of the rows");
    assert!((322..330).contains(&validation) && train + validation + test + 50 == 4601);
    parts_are_disjoint(&facts, &[(0, 1), (0, 2), (1, 2)]);
    let schema = dataset::schema(&data).unwrap();
    assert_eq!(schema.find("char_freq_dollar").map(|feature| feature.0), Some(52));
}

fn parts_are_disjoint(facts: &Description, pairs: &[(usize, usize)]) {
    for &(a, b) in pairs {
        assert_eq!(facts.parts[a].repeated_in[b], 0, "{a} in {b}");
        assert_eq!(facts.parts[b].repeated_in[a], 0, "{b} in {a}");
    }
}

#[test]
fn what_people_read_fits_100_columns() {
    let facts = dataset::describe(&source::built_in().unwrap());
    let texts = [facts.to_string(), dataset::list().unwrap().to_string()];
    for text in texts {
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?} columns");
        assert!(text.contains("spambase"));
    }
    serde_json::to_string(&facts).unwrap();
}

/// Says that nothing was tested, past the harness, which keeps what passing tests print.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Reads the published sets against what their makers and the paper say.
#[test]
fn published_sets_are_as_their_readme_says() {
    let Some(folder) = dataset::data_folder() else {
        skipped("PROPCERT_DATA is not set, so the published data sets are not read");
        return;
    };
    // Name, rows, class 1, repeated rows (medical_insurance: counted with sort -u), rows in conflict.
    let table = [
        ("cryptojacker", 4000, 2000, 1119, 0),
        ("customer_churn", 10_127, 1627, 0, 0),
        ("medical_insurance", 3275, 384, 4, 0),
        ("social_honeypot", 40_000, 20_729, 18, 0),
        ("twitter_spam_url", 63_401, 28_125, 46_977, 326),
    ];
    for (name, rows, positive, repeated, conflicting) in table {
        if !folder.join(name).exists() {
            skipped(&format!("{name} is not in PROPCERT_DATA"));
            continue;
        }
        let data = source::read(name, Some(&folder)).unwrap();
        let facts = dataset::describe(&data);
        assert_eq!((facts.rows, facts.classes[1]), (rows, positive), "{name}");
        assert_eq!(facts.repeated_rows, repeated, "{name}");
        assert_eq!(facts.conflicting_rows, conflicting, "{name}");
        assert_eq!(facts.synthetic, name == "medical_insurance");
        assert!(facts.paper.is_some());
        parts_are_disjoint(&facts, &[(0, 1)]);
        dataset::schema(&data).unwrap();
    }
}

#[test]
fn a_publishers_split_is_kept() {
    let Some(folder) = dataset::data_folder().filter(|path| path.join("cryptojacker").exists())
    else {
        skipped("cryptojacker is not in PROPCERT_DATA");
        return;
    };
    let data = source::read_folder(&folder.join("cryptojacker")).unwrap();
    let facts = dataset::describe(&data);
    let sizes: Vec<usize> = facts.parts.iter().map(|part| part.rows).collect();
    assert_eq!((sizes[0] + sizes[1], sizes[2], sizes[3]), (2800, 1150, 50));
    assert_eq!(facts.differences.len(), 2, "class 1: 2,000 for 2,004, rows and share");
    let known: BTreeSet<Digest> = [Part::Train, Part::Validation]
        .iter()
        .flat_map(|&part| data.part(part))
        .map(|row| row.key)
        .collect();
    let published_test = || data.part(Part::Test).iter().chain(data.part(Part::Auxiliary));
    assert_eq!(published_test().filter(|row| known.contains(&row.key)).count(), 313);
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_data_set_is_found_by_name_folder_and_csv() {
    let root = folder();
    let csv = write(root.path(), "n/n.csv", "y,a,b\n0,1,2\n1,2,3\n");
    write(root.path(), "n/meta.json", META);
    let by_name = source::read("n", Some(root.path())).unwrap();
    let by_folder = source::read(root.path().join("n").to_str().unwrap(), None).unwrap();
    let by_csv = source::read(csv.to_str().unwrap(), None).unwrap();
    assert_eq!(by_name.digest(), by_folder.digest());
    assert_eq!(by_name.digest(), by_csv.digest());
}

#[test]
fn what_is_not_found_is_said_with_the_places_tried() {
    let root = folder();
    let message = source::read("nowhere", Some(root.path())).unwrap_err().to_string();
    let expected = ["`nowhere`", "meta.json", "nowhere.meta.json", "data list"];
    assert!(expected.iter().all(|part| message.contains(part)), "{message}");
    let message = source::read("nowhere", None).unwrap_err().to_string();
    assert!(message.contains("PROPCERT_DATA"), "{message}");
    let lone = write(root.path(), "lone.csv", "y,a,b\n");
    let error = source::read(lone.to_str().unwrap(), None).unwrap_err();
    assert!(matches!(error, SourceError::NoMeta { .. }) && error.to_string().contains("import"));
    write(root.path(), "lone.meta.json", META);
    let error = source::read(lone.to_str().unwrap(), None).unwrap_err();
    assert!(matches!(error, SourceError::NotListed { .. }), "{error}");
}

#[test]
fn a_meta_file_names_only_regular_files_beside_it() {
    let root = folder();
    write(root.path(), "secret.csv", "y,a,b\n0,1,2\n1,2,3\n");
    write(root.path(), "n/meta.json", &META.replace("n.csv", "../secret.csv"));
    let error = source::read("n", Some(root.path())).unwrap_err();
    assert!(matches!(error, SourceError::Elsewhere { .. }), "{error}");
    write(root.path(), "m/meta.json", META);
    std::fs::create_dir(root.path().join("m/n.csv")).unwrap();
    let error = source::read("m", Some(root.path())).unwrap_err();
    assert!(matches!(error, SourceError::NotRegular { .. }), "{error}");
    let large = write(root.path(), "large", "12345");
    let error = source::read_regular(&large, 4).unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { found: 5, limit: 4, .. }), "{error}");
}

fn labelled(label: &str) -> ImportOptions {
    ImportOptions { label: Some(label.to_owned()), ..ImportOptions::default() }
}

#[test]
fn an_imported_csv_opens_with_what_was_inferred() {
    let root = folder();
    let rows: String = (0..200)
        .map(|k| format!("{}.50,{},{},{}\n", k, k % 2, ["spam", "ham"][k % 2], 10 + k % 7))
        .collect();
    let file = write(root.path(), "mail.csv", &format!("size,flag,kind,count\n{rows}"));
    let out = root.path().join("mine.csv");
    let found = dataset::import(&file, &labelled("kind"), Some(&out)).unwrap();
    assert_eq!(found.classes, ["ham", "spam"]);
    let kinds: Vec<Kind> = found.features.iter().map(|feature| feature.kind).collect();
    assert_eq!(kinds, [Kind::Real, Kind::Binary, Kind::Integer]);
    assert!(found.to_string().contains("class 1 = `spam`"));
    let data = dataset::open(out.to_str().unwrap()).unwrap();
    assert_eq!(data.digest(), found.written.digest);
    assert!(std::fs::read_to_string(&out).unwrap().contains("\n3.50,1,0,13\n"), "texts stay");
    let training = data.part(Part::Train).iter().map(|row| row.values[0]);
    let (low, high) = &found.features[0].range;
    assert_eq!(low.parse(), Ok(training.clone().fold(f64::INFINITY, f64::min)));
    assert_eq!(high.parse(), Ok(training.fold(0.0, f64::max)));
    assert_eq!(dataset::describe(&data).parts[0].rows, data.part(Part::Train).len());
}

#[test]
fn a_refused_import_writes_nothing_and_says_where() {
    let root = folder();
    let table = [
        ("a,b\n1,2\n", vec!["line 1", "`y`", "`a`, `b`", "--label"]),
        ("y,a,a\n0,1,2\n", vec!["line 1, column 3", "`a`"]),
        ("y,a\n0,1\n1\n", vec!["line 3", "1 cell"]),
        ("y,a\n0,1\n\n\n1,red\n", vec!["line 5, column 2 (`a`)", "`red`"]),
        ("y,a\r\n0,1\r\n1,red\r\n", vec!["line 3, column 2 (`a`)"]),
        ("y,a\n\n0,1\n\n1,1,1\n", vec!["line 5", "3 cells"]),
        ("a,y\n1,0\n2,\n", vec!["line 3, column 2 (`y`)", "label is missing"]),
        ("y,a\n0,1\n1,inf\n", vec!["line 3, column 2 (`a`)", "`inf`"]),
        ("y,a\n0,1\n1,nan\n", vec!["line 3, column 2 (`a`)", "`nan`"]),
        ("y,a\n0,1\n1,-4e38\n", vec!["line 3, column 2 (`a`)", "32-bit"]),
        ("y,a\nno,1\nno,2\n", vec!["only one class"]),
    ];
    for (text, expected) in table {
        let file = write(root.path(), "given.csv", text);
        let out = root.path().join("made.csv");
        let message = dataset::import(&file, &labelled("y"), Some(&out)).unwrap_err().to_string();
        for part in expected {
            assert!(message.contains(part), "{text:?}: `{part}` is not in `{message}`");
        }
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "{text:?}");
    }
    let file = write(root.path(), "given.csv", "y,a\n0,1\n1,2\n0,3\n1,4\n");
    let error = dataset::import(&file, &labelled("y"), Some(&file)).unwrap_err();
    assert!(matches!(error, DatasetError::SameFile { .. }), "{error}");
    let error = dataset::import(&file, &labelled("y"), Some(Path::new("made.txt"))).unwrap_err();
    assert!(matches!(error, DatasetError::OutName { .. }), "{error}");
}

#[test]
fn a_made_set_opens_has_its_shape_and_repeats_with_its_seed() {
    let root = folder();
    for (shape, features) in [("medical_insurance", 8), ("twitter_spam_url", 25)] {
        let out = root.path().join(format!("{shape}.csv"));
        let made = dataset::make(shape, Some(2000), 7, Some(&out)).unwrap();
        let data = dataset::open(out.to_str().unwrap()).unwrap();
        let facts = dataset::describe(&data);
        assert_eq!((facts.rows, facts.features.len()), (2000, features));
        assert_eq!(facts.classes[1], made.positive);
        assert_eq!(facts.name, format!("synthetic_{shape}"));
        assert!(facts.synthetic && facts.to_string().contains("SYNTHETIC"));
        assert_eq!(facts.invalid_rows, 0);
        let again = dataset::make(shape, Some(2000), 7, Some(&out)).unwrap();
        assert_eq!(again.written.digest, made.written.digest);
        assert_ne!(
            dataset::make(shape, Some(2000), 8, Some(&out)).unwrap().written.digest,
            made.written.digest
        );
    }
    let out = root.path().join("x.csv");
    let error = dataset::make("moons", None, 0, Some(&out)).unwrap_err();
    assert!(error.to_string().contains("cryptojacker"), "{error}");
    let error = dataset::make("cryptojacker", Some(3), 0, Some(&out)).unwrap_err();
    assert!(matches!(error, DatasetError::Rows { .. }), "{error}");
}

/// The sum of the monotone features, each in its direction and by its rank, tells classes apart,
/// though not perfectly.
#[test]
fn a_made_set_can_be_learned_but_not_trivially() {
    let root = folder();
    let out = root.path().join("x.csv");
    dataset::make("social_honeypot", Some(2000), 1, Some(&out)).unwrap();
    let data = dataset::open(out.to_str().unwrap()).unwrap();
    let facts = dataset::describe(&data);
    let rows = data.part(Part::Train);
    let mut scores = vec![0.0; rows.len()];
    for (index, feature) in facts.features.iter().enumerate() {
        let Some(direction) = &feature.monotone else { continue };
        let sign = if direction == "increasing" { 1.0 } else { -1.0 };
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| rows[a].values[index].total_cmp(&rows[b].values[index]));
        order.into_iter().enumerate().for_each(|(rank, row)| scores[row] += sign * rank as f64);
    }
    let mut sorted = scores.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted[sorted.len() / 2];
    let right = rows.iter().zip(&scores).filter(|(row, s)| (row.label == 1) == (**s > middle));
    let accuracy = right.count() as f64 / rows.len() as f64;
    assert!((0.8..0.98).contains(&accuracy), "{accuracy}");
}
