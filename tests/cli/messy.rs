//! CSVs as people have them: each is imported with one command, or all that is in the way is said at once.

use std::fmt::Write;

use crate::chance::Chance;
use crate::scene::Scene;

/// Rows of every table, a number that no share divides.
const ROWS: usize = 137;

/// A table of texts: a header and rows.
#[derive(Clone)]
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// `calls` (whole), `cost` (with three decimals, also negative) and `fraud` (0 or 1).
    fn new() -> Self {
        let mut chance = Chance(97);
        let row = |_| {
            let (calls, cost) = (chance.below(7919), chance.below(2_000_003) as i64 - 3001);
            let (sign, cost) = (if cost < 0 { "-" } else { "" }, cost.unsigned_abs());
            let cost = format!("{sign}{}.{:03}", cost / 1000, cost % 1000);
            vec![calls.to_string(), cost, (calls % 3 / 2).to_string()]
        };
        Self {
            header: ["calls", "cost", "fraud"].map(str::to_owned).to_vec(),
            rows: (0..ROWS).map(row).collect(),
        }
    }

    /// With a further column before the others.
    fn with(mut self, name: &str, cell: impl Fn(usize) -> String) -> Self {
        self.header.insert(0, name.to_owned());
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.insert(0, cell(at));
        }
        self
    }

    /// With other texts in a column.
    fn changed(mut self, column: usize, cell: impl Fn(usize, &str) -> String) -> Self {
        for (at, row) in self.rows.iter_mut().enumerate() {
            row[column] = cell(at, &row[column]);
        }
        self
    }

    /// The text, with these separators and line ends.
    fn text(&self, separator: &str, end: &str) -> String {
        let mut text = self.header.join(separator) + end;
        for row in &self.rows {
            write!(text, "{}{end}", row.join(separator)).unwrap();
        }
        text
    }

    fn csv(&self) -> String {
        self.text(",", "\n")
    }
}

/// Imports `bytes` with these options and gives what was printed, on both channels.
fn imported(bytes: impl AsRef<[u8]>, options: &str) -> (Scene, String) {
    let scene = Scene::new();
    scene.write("given.csv", bytes);
    let words = format!("data import given.csv --label fraud --out made.csv {options}");
    let run = scene.propcert(&words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&run.stdout) + &text(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{options}: {said}");
    scene.done("data describe made.csv");
    (scene, said)
}

/// Refuses `bytes` with all of `facts`, and writes nothing.
fn refused(bytes: impl AsRef<[u8]>, options: &str, facts: &[&str]) -> String {
    let scene = Scene::new();
    scene.write("given.csv", bytes);
    let words = format!("data import given.csv --label fraud --out made.csv {options}");
    let message = scene.refused(&words, facts);
    assert!(!scene.has("made.csv") && !scene.has("made.meta.json"), "{message}");
    message
}

/// Numbers are the same however they are written.
#[test]
fn notations_change_nothing() {
    let plain = Table::new();
    let (scene, _) = imported(plain.csv(), "");
    let (rows, meta) = (scene.read("made.csv"), scene.read("made.meta.json"));
    assert_eq!(rows, plain.csv(), "texts stay");
    let comma = |_: usize, text: &str| text.replace('.', ",");
    let german = plain.clone().changed(1, comma);
    let utf16 = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let trailing = |text: String| text.replace('\n', ",\n");
    let gaps = plain.text(",", "\r\n\r\n  \r\n");
    let blanks = plain.text(" , ", "\n");
    for (case, bytes, options) in [
        ("semicolons, decimal commas", german.text(";", "\n").into_bytes(), "--decimal comma"),
        ("told semicolons", german.text(";", "\n").into(), "--separator ; --decimal comma"),
        ("sep=", format!("sep=;\r\n{}", german.text(";", "\r\n")).into(), "--decimal comma"),
        ("bars", plain.text("|", "\n").into(), ""),
        ("tabs", plain.text("\t", "\r\n").into(), ""),
        ("tabs, named", plain.text("\t", "\n").into(), "--separator tab"),
        ("a mark", format!("\u{feff}{}", plain.csv()).into(), ""),
        ("UTF-16", utf16(&plain.text("\t", "\r\n")), ""),
        ("UTF-16, told", utf16(&german.text(";", "\n")), "--encoding utf-16 --decimal comma"),
        ("CR LF and blank lines", gaps.into(), ""),
        ("trailing separators", trailing(plain.csv()).into(), ""),
        ("trailing separators of rows", trailing(plain.csv()).replacen(",\n", "\n", 1).into(), ""),
        ("rows of separators", format!("{},,\n ,,\n", plain.csv()).into(), ""),
        ("blanks around cells", blanks.into(), ""),
        ("no line end at the end", plain.csv().trim_end().into(), ""),
    ] {
        let (scene, said) = imported(&bytes, options);
        assert_eq!(scene.read("made.csv"), rows, "{case}: {said}");
        assert_eq!(scene.read("made.meta.json"), meta, "{case}");
    }
}

#[test]
fn signs_between_thousands_are_named_or_asked_for() {
    let group = |text: &str, sign: &str, decimal: &str| {
        let (whole, rest) = text.split_once('.').unwrap();
        let at = whole.len().saturating_sub(3);
        let is_long = at > usize::from(whole.starts_with('-'));
        let whole =
            if is_long { format!("{}{sign}{}", &whole[..at], &whole[at..]) } else { whole.into() };
        format!("{whole}{decimal}{rest}")
    };
    let plain = Table::new();
    let (scene, _) = imported(plain.csv(), "");
    let rows = scene.read("made.csv");
    for (sign, decimal, options) in [
        (".", ",", "--decimal comma --thousands point"),
        (" ", ",", "--decimal comma --thousands space"),
        ("\u{a0}", ",", "--decimal comma --thousands space"),
        ("'", ".", "--thousands apostrophe"),
        (",", ".", "--thousands comma"),
    ] {
        let text = plain.clone().changed(1, |_, text| group(text, sign, decimal)).text(";", "\n");
        let (scene, _) = imported(&text, options);
        assert_eq!(scene.read("made.csv"), rows, "{options}");
        refused(&text, "", &["column 2 (`cost`)", options]);
        if sign != "," {
            let wrong = refused(&text, "--thousands comma", &["column 2 (`cost`)"]);
            assert!(wrong.contains("expected a number"), "{wrong}");
        }
    }
    let both =
        refused("a;fraud\n1,234;0\n2,345;1\n", "", &["--decimal comma", "--thousands comma"]);
    assert!(both.contains(" or "), "{both}");
    let german = |at: usize, text: &str| match at {
        77 => "k.A.".to_owned(),
        _ => text.replace('.', ","),
    };
    let text = plain.clone().changed(1, german).text(";", "\n");
    let cost = "line 2, column 2 (`cost`): found `";
    let none = "`k.A.` on line 79 is none with other signs either: correct it, or call it --missing; --decimal comma";
    refused(&text, "", &[cost, none]);
    imported(&text, "--decimal comma --missing k.a. --fill median");
    refused(plain.csv(), "--decimal comma --thousands comma", &["two different signs"]);
}

#[test]
fn texts_of_the_west_are_decoded() {
    let table = Table::new().with("Größe", |at| ["groß", "klein"][at % 7 / 4].to_owned());
    let latin: Vec<u8> = table.csv().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let (marked, _) = imported(table.csv(), "--encode one-hot");
    assert!(marked.read("made.csv").starts_with("Größe_groß,Größe_klein,calls,cost,fraud\n"));
    for encoding in ["latin-1", "windows-1252"] {
        let (scene, said) = imported(&latin, &format!("--encode one-hot --encoding {encoding}"));
        assert_eq!(scene.read("made.csv"), marked.read("made.csv"));
        assert!(said.contains(encoding), "{said}");
    }
    refused(&latin, "", &["given.csv, line 1", "0xf6", "--encoding windows-1252"]);
    let half: Vec<u8> = table.csv().encode_utf16().flat_map(u16::to_be_bytes).collect();
    refused(&half, "", &["NUL", "--encoding utf-16"]);
    refused(&half[..half.len() - 1], "--encoding utf-16", &["half a character"]);
}

/// Every column has something else wrong with it, and one message has it all.
#[test]
fn all_that_is_in_the_way_is_said_at_once() {
    let table = Table::new()
        .with("day", |at| format!("2021-{:02}-{:02}", at % 12 + 1, at % 28 + 1))
        .with("id", |at| format!("u{}", at * 7919))
        .with("land", |at| ["DE", "AT", "CH"][at % 5 / 2].to_owned())
        .with("weight", |at| if at % 11 == 3 { String::new() } else { format!("{at}.5") })
        .with("height", |at| if at % 13 == 7 { "NA".to_owned() } else { format!("{at}") })
        .with("speed", |at| if at == 99 { "inf".to_owned() } else { format!("{at}e-3") })
        .with("size", |at| if at % 50 == 20 { "large".to_owned() } else { format!("{at}") })
        .with("mass", |at| if at == 30 { "1e39".to_owned() } else { "17".to_owned() })
        .with("void", |_| "n/a".to_owned());
    let options = "--drop void --missing 1e39 --fill median --missing large --missing inf \
                   --encode land=one-hot --drop id --drop day";
    let message = refused(
        table.csv(),
        "",
        &[
            "9 things are in the way",
            "line 2, column 1 (`void`): every cell is missing; --drop void",
            "line 32, column 2 (`mass`): found `1e39`, expected a finite number that fits a 32-bit float",
            "line 22, column 3 (`size`): found `large`, expected a number as in 134 other cells (3 such cells)",
            "line 101, column 4 (`speed`): found `inf`",
            "line 9, column 5 (`height`): found `NA`, expected a number: 10 of 137 cells are missing; --fill median",
            "line 5, column 6 (`weight`): found an empty cell",
            "line 2, column 7 (`land`): found `DE`, expected a number: 3 different texts; --encode land=one-hot",
            "line 2, column 8 (`id`): found `u0`, expected a number: 137 of 137 texts are different",
            "line 2, column 9 (`day`): found the date `2021-01-01` (137 such cells)",
            options,
        ],
    );
    assert!(!message.contains("cost"), "{message}");
    let (scene, said) = imported(table.csv(), options);
    let header = "mass,size,speed,height,weight,land_AT,land_CH,land_DE,calls,cost,fraud\n";
    assert!(scene.read("made.csv").starts_with(header), "{said}");
    assert!(said.contains("10 missing cells of `height`: filled with `68`, the median"), "{said}");
}

#[test]
fn shapes_and_names_are_said_at_once() {
    let text = "a,a,,fraud\n1.5,2,3,0\n1,2\n7,8,9,,1\n,,,\n3,x,5,1\n1,2,3,\n";
    refused(
        text,
        "",
        &[
            "line 1, column 2: found `a`, expected a name of its own, not that of column 1; --drop 2",
            "line 1, column 3: the column has no name; give it one, or leave it out; --drop 3",
            "line 3: the row has 2 cells, the header 4 (2 such rows)",
            "line 6, column 2 (`a`): found `x`",
            "line 7, column 4 (`fraud`): the label is missing",
        ],
    );
    refused("a,fraud\n1,0\n\"2,1\n3,0\n4,1\n5,0\n6,1\n", "", &["line 3", "quote is not closed"]);
    refused("", "", &["given.csv, line 1: the file is empty"]);
    refused("\n\n", "", &["given.csv, line 1: the file is empty"]);
    refused("a,b,fraud\n", "", &["there are no rows below the header"]);
    refused("fraud\n0\n1\n", "", &["no column beside the label"]);
    refused("a,b\n1,2\n", "", &["line 1: there is no label column `fraud` among `a`, `b`"]);
    refused("a,fruad\n1,2\n", "", &["did you mean `fruad`?"]);
    refused("\na;b\n1;2\n", "", &["line 2: there is no label column `fraud` among `a`, `b`"]);
    let quoted = "\"a\nb\",fraud\n1,0\n2,1\n";
    refused(quoted, "", &["line 1, column 1: found `a\\nb`, expected a name without control"]);
    let table = Table::new().with("note", |at| format!("\"a\nb\"\"{}\"", at % 2));
    let (scene, _) = imported(table.csv(), "--encode one-hot");
    assert!(scene.read("made.csv").starts_with("\"note_a b\"\"0\",\"note_a b\"\"1\",calls,"));
    let far = table.csv() + "x,y\n";
    refused(far, "--drop note", &["line 276: the row has 2 cells, the header 4"]);
    let twice = Table::new().with("cost", |at| at.to_string());
    let (scene, said) = imported(twice.csv(), "--drop 1");
    assert!(scene.read("made.csv").starts_with("calls,cost,fraud\n"));
    assert!(said.contains("left out: column 1 (`cost`)"), "{said}");
    let (scene, _) = imported(twice.csv(), "--drop cost");
    assert!(scene.read("made.csv").starts_with("calls,fraud\n"));
}

#[test]
fn labels_of_any_kind_are_numbered_and_recorded() {
    for (labels, classes, is_new) in [
        (["1", "0", "1"], vec!["0", "1"], false),
        (["2", "1", "2"], vec!["1", "2"], true),
        (["1", "-1", "1"], vec!["-1", "1"], true),
        (["yes", "no", "no"], vec!["no", "yes"], true),
        (["7", "30", "7"], vec!["7", "30"], true),
        (["True", "False", "True"], vec!["False", "True"], true),
    ] {
        let table = Table::new().changed(2, |at, _| labels[at % 3].to_owned());
        let (scene, said) = imported(table.csv(), "");
        for (class, text) in classes.iter().enumerate() {
            assert!(said.contains(&format!("class {class} = `{text}`")), "{said}");
        }
        let meta: serde_json::Value = serde_json::from_str(&scene.read("made.meta.json")).unwrap();
        let recorded = if is_new { serde_json::json!(classes) } else { serde_json::Value::Null };
        assert_eq!(meta["classes"], recorded);
        let last = format!("class {} (`{}`): ", classes.len() - 1, classes[classes.len() - 1]);
        assert_eq!(scene.done("data describe made.csv").contains(&last), is_new);
    }
    let table =
        Table::new().changed(2, |at, _| [" spam", "Spam", "ham", "spam"][at % 4].to_owned());
    let (_, said) = imported(table.csv(), "");
    assert!(said.contains("labels `Spam` and `spam` differ in case alone"), "{said}");
    assert!(said.contains("blanks around them are read without: 35 rows"), "{said}");
    let missing =
        Table::new().changed(2, |at, text| if at % 40 == 5 { "NA".into() } else { text.into() });
    refused(missing.csv(), "", &["line 7, column 3 (`fraud`): the label is missing (4 such rows)"]);
    let one = Table::new().changed(2, |_, _| "no".to_owned());
    refused(one.csv(), "", &["column 3 (`fraud`): only one class occurs, `no`"]);
    let many = "a,fraud\n".to_owned()
        + &(0..1500).map(|at| format!("{},{}.5\n", at % 7, at)).collect::<String>();
    refused(many, "", &["column 2 (`fraud`): 1500 different labels, at most 1000"]);
}

#[test]
fn texts_become_numbers_as_told() {
    let land = |at: usize| ["DE", "AT", "CH", "de"][at % 9 / 2 % 4].to_owned();
    let table =
        Table::new().with("land", land).with("plan", |at| ["b", "", "a"][at % 3].to_owned());
    let (scene, said) = imported(
        table.csv(),
        "--encode one-hot --encode plan=ordinal --fill median --monotone calls=increasing --monotone plan=decreasing",
    );
    let meta: serde_json::Value = serde_json::from_str(&scene.read("made.meta.json")).unwrap();
    assert_eq!(meta["category_codes"], serde_json::json!({"plan": {"a": 0.0, "b": 1.0}}));
    assert_eq!(meta["monotone"], serde_json::json!({"calls": "increasing", "plan": "decreasing"}));
    assert!(said.contains("texts of `land` differ in case alone: `DE` and `de`"), "{said}");
    assert!(said.contains("missing cells of `plan`: filled with `b`, the most frequent"), "{said}");
    assert!(scene.read("made.csv").starts_with("plan,land_AT,land_CH,land_DE,land_de,calls,"));
    let told = scene.done("data describe made.csv");
    assert!(told.contains("decreasing"), "{told}");
    let speed = |at: usize| if at % 20 == 11 { "Unknown".to_owned() } else { format!("{at}.5") };
    let table = Table::new().with("speed", speed);
    refused(table.csv(), "", &["`Unknown`, expected a number as in 130 other cells", "--missing"]);
    let (_, said) = imported(table.csv(), "--missing unknown --fill median");
    assert!(said.contains("7 missing cells of `speed`: filled with `67.5`"), "{said}");
}

#[test]
fn options_that_name_nothing_are_refused() {
    let land = |at: usize| ["DE", "AT", "CH"][at % 3].to_owned();
    let table =
        Table::new().with("land", land).with("plan", |at| ["b", "", "a"][at % 3].to_owned());
    for (options, facts) in [
        ("--encode lnad=ordinal", "--encode lnad: there is no such column; did you mean `land`?"),
        ("--drop xyzzy", "--drop xyzzy: there is no such column; expected one of `plan`, `land`"),
        ("--drop fraud", "--drop fraud: that is the label column"),
        ("--encode one-hot --fill median --monotone call=increasing", "did you mean `calls`?"),
        ("--encode one-hot --fill median --monotone calls=up", "calls=up: expected `increasing`"),
        ("--monotone calls", "COL=increasing"),
        ("--encode land=two-hot", "`one-hot`, `ordinal`"),
        ("--separator x", "expected `,`, `;`, `tab`, `|` or `auto`"),
        ("--encoding ebcdic", "`windows-1252`"),
        ("--fill mean", "`median`, `refuse`"),
    ] {
        refused(table.csv(), options, &[facts]);
    }
    let taken = Table::new().with("land_DE", |at| at.to_string()).with("land", land);
    refused(taken.csv(), "--encode one-hot", &["`land_DE` would have the name of another one"]);
    let wide = Table::new().with("zip", |at| format!("z{at}"));
    refused(wide.csv(), "--encode zip=one-hot", &["137 different texts, at most 100"]);
    imported(wide.csv(), "--encode zip=ordinal");
}

#[test]
fn a_small_table_keeps_rows_to_test_on() {
    let (scene, said) = imported(Table::new().csv(), "");
    assert!(said.contains("train 85, validation 10, test 36, auxiliary 6"), "{said}");
    assert!(scene.read("made.meta.json").contains("\"auxiliary\": 6"));
    let rows: String = (0..1000).map(|at| format!("{},{}.25\n", at % 2, at * 7)).collect();
    let (scene, said) = imported(format!("fraud,a\n{rows}"), "");
    assert!(said.contains("test 250, auxiliary 50"), "{said}");
    assert!(!scene.read("made.meta.json").contains("auxiliary"));
}

#[test]
fn what_teaches_nothing_is_warned_of() {
    let table = Table::new()
        .with("constant", |_| "7".to_owned())
        .with("row", |at| (at * 3 + 1).to_string());
    let (_, said) = imported(table.csv(), "");
    assert!(said.contains("`constant` is the same in every row"), "{said}");
    assert!(said.contains("`row` grows from row to row") && said.contains("--drop row"), "{said}");
}

/// Any bytes are imported or refused.
#[test]
fn no_bytes_are_too_strange() {
    let mut chance = Chance(11);
    let table = Table::new().with("land", |at| ["DE", "\"A,T\"", ""][at % 3].to_owned()).csv();
    let scene = Scene::new();
    for _ in 0..30 {
        let mut bytes = table.clone().into_bytes();
        for _ in 0..=chance.below(5) {
            let at = chance.below(bytes.len());
            match chance.below(4) {
                0 => bytes[at] = chance.below(256) as u8,
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, b"\",;\n\r|\t\0"[chance.below(8)]),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        scene.write("given.csv", &bytes);
        let words = "data import given.csv --label fraud --encode one-hot --fill median --force --out made.csv";
        let run = scene.propcert(words).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(matches!(run.status.code(), Some(0 | 2)) && !said.contains("panicked"), "{said}");
    }
}

/// LightGBM writes `_` for the blanks of a name.
#[test]
fn names_with_blanks_find_a_model_of_lightgbm() {
    let mut table = Table::new();
    table.header[0] = "Calls (a day)".to_owned();
    let (scene, _) = imported(table.csv(), "");
    scene.write(
        "booster.txt",
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n\
         objective=binary sigmoid:1\nfeature_names=Calls_(a_day) cost\nfeature_infos=[0:9000] [-3:3]\n\
         tree_sizes=1\n\nTree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=2\nthreshold=3917.5\n\
         decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=0.75 -0.5\nis_linear=0\nshrinkage=1\n\n\n\
         end of trees\n",
    );
    let certify = "certify --spec local.toml --data made.csv --rows 7 --out c.jsonl --model";
    scene.done("import lightgbm booster.txt --out plain.json");
    let facts = ["missing `Calls_(a_day)`; not in the model `Calls (a day)`", "`--schema`"];
    scene.refused(&format!("{certify} plain.json"), &facts);
    scene.write("points.csv", "Calls (a day),cost\n1,2\n");
    let predict = "predict --points points.csv --model plain.json";
    scene.refused(predict, &["missing `Calls_(a_day)`", "LightGBM writes `_` for blanks"]);
    scene.done("import lightgbm booster.txt --schema made.csv --out model.json");
    scene.done(&format!("{certify} model.json"));
    assert!(scene.read("model.json").contains("\"Calls (a day)\""));
}

/// The options that a refusal suggests, as its last line has them.
fn suggested(message: &str) -> String {
    let line = message.lines().last().unwrap();
    line.split_once("These options mend").unwrap().1.split_once(": ").unwrap().1.to_owned()
}

/// Whatever is suggested is run as it stands, and nothing is in the way any more.
#[test]
fn suggested_options_run() {
    let german = |_: usize, text: &str| text.replace('.', ",");
    let grouped = |at: usize| format!("{}.{:03},5", at % 9 + 1, at);
    let gaps = |at: usize| match at {
        7 => String::new(),
        30 => "1.#INF".to_owned(),
        44 => "-inf".to_owned(),
        60 => "inf".to_owned(),
        _ => format!("{at}.5"),
    };
    let tables = [
        // two columns with decimal commas, and one with points between thousands
        Table::new().changed(1, german).with("size", |at| format!("{at},5")).text(";", "\n"),
        Table::new().changed(1, german).with("size", grouped).text(";", "\n"),
        // thousands that are numbers until the sign of fractions is told
        Table::new()
            .changed(1, german)
            .with("size", |at| format!("{}.{:03}", at % 9 + 1, at))
            .text(";", "\n"),
        // all kinds of cells that are no numbers, in one column
        Table::new().with("size", gaps).csv(),
        // two columns of one name
        Table::new().with("a", |_| "n/a".to_owned()).with("a", |at| format!("t{}", at % 3)).csv(),
        Table::new().with("-x", |_| "n/a".to_owned()).with("id", |at| format!("t{at}")).csv(),
    ];
    for text in tables {
        let message = refused(&text, "", &["things are in the way"]);
        let options = suggested(&message);
        assert!(message.lines().all(|line| !line.trim_end().ends_with("or")), "{message}");
        imported(&text, &options);
    }
    let comma = Table::new().changed(1, |_, text| text.replace('.', ",")).text(";", "\n");
    let wrong = refused(Table::new().csv(), "--decimal comma", &["--decimal point"]);
    assert!(!wrong.trim_end().ends_with("or"), "{wrong}");
    refused(comma, "--thousands comma", &["--thousands none"]);
}

#[test]
fn signs_beside_numbers_are_named() {
    for (cell, sign) in [
        ((|at| format!("{at}.5%")) as fn(usize) -> String, "a percent sign"),
        (|at| format!("€ {at}.50"), "a currency"),
        (|at| format!("\u{2212}{at}.5"), "a minus that is not `-`"),
    ] {
        let text = Table::new().with("share", cell).csv();
        refused(&text, "", &["column 1 (`share`)", sign, "(137 such cells)", "--drop share"]);
    }
}

#[test]
fn what_stands_above_the_rows_is_named() {
    let table = Table::new();
    let rows = table.csv().split_once('\n').unwrap().1.to_owned();
    refused(&rows, "", &["line 1: found `", "the file has no header"]);
    let scene = Scene::new();
    scene.write("rows.csv", &rows);
    let facts = ["line 1: found `", "the file has no header"];
    scene.refused("data import rows.csv --label 3 --out made.csv", &facts);
    let comment = "# exported on a Monday\n";
    refused(
        comment.to_owned() + &table.csv(),
        "",
        &["line 1: found `# exported on a Monday`, a comment"],
    );
    refused(
        comment.to_owned() + &table.text(";", "\n"),
        "",
        &["line 1: found `# exported", "a comment"],
    );
    let title = "Calls of 2021\n\n".to_owned() + &table.text(";", "\n");
    refused(title, "", &["line 1: found `Calls of 2021`, a line of its own"]);
    let (plain, _) = imported(table.csv(), "");
    let scene = Scene::new();
    scene.write("given.csv", table.text(",", "\r"));
    scene.done("data import given.csv --label 3 --out made.csv");
    assert_eq!(scene.read("made.csv"), plain.read("made.csv"));
    let broken =
        table.changed(0, |at, text| if at == 99 { "x1".to_owned() } else { text.to_owned() });
    refused(broken.text(",", "\r"), "", &["line 101, column 1 (`calls`): found `x1`"]);
    let years = "2019,2020,fraud\n1.5,2,0\n2,2.5,1\n3,7,0\n4,9,1\n5,9,1\n6,9,1\n";
    let over: String = (0..40).map(|at| format!("{at},{}.5,{}\n", at % 7, at % 2)).collect();
    imported(years.to_owned() + &over, "");
    refused("a,fraud\n1,0\n2,1\n\"3,0\n4,1\n", "", &["line 4: a quote is not closed"]);
}
