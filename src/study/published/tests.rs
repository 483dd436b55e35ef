use std::path::Path;

use super::super::StudyGrid;
use super::super::formula::FigureOf;
use super::*;

const SHEET: &str = "source = 'somebody'\n[[table]]\nname = 'T'\nsays = 'so'\nfigure = 'f1(m, none, x)'\n\
    across = 'x'\nrecords = 'r.csv'\n";
const RECORDS: &str = "data,m,x,published\nd,p,q,1\n";

fn read(sheet: &str, records: &str) -> Result<PublishedSheet, String> {
    PublishedSheet::read(sheet.as_bytes(), &mut |_| Ok(records.as_bytes().to_vec()))
        .map_err(|error| error.to_string())
}

#[test]
fn faults_are_told_with_table_and_line() {
    assert_eq!(read(SHEET, RECORDS).unwrap().names().collect::<Vec<_>>(), ["T"]);
    for (old, new, fact) in [
        ("says", "say", "unknown field `say`"),
        ("f1(m", "f2(m", "line 2: table `T`: `figure`, at character 1: expected a figure"),
        ("across = 'x'", "across = 'y'", "`across` is `y`; expected a column"),
        ("across = 'x'", "across = 'none'", "`across` is `none`; expected a column"),
        ("across = 'x'", "end = 'most'", "unknown variant `most`"),
        ("'T'", "''", "a name of its own"),
        ("none, x", "none, z", "r.csv: line 1: the formula does not use the column `x`"),
        ("source", "sauce", "unknown field `sauce`"),
        ("f1(m, none, x)", "proved(m, none, x)", "about what is proved; say by `end`"),
        ("across = 'x'", "end = 'at-least'", "`end` is for figures about what is proved"),
        ("[[table]]", "[groups]\ng = []\n[[table]]", "[groups] `g` has no members"),
        ("[[table]]", "[groups]\nx = ['q']\n[[table]]", "`x` is a column and a group"),
    ] {
        let text = SHEET.replace(old, new);
        assert_ne!(text, SHEET);
        let message = read(&text, RECORDS).unwrap_err();
        assert!(message.contains(fact), "{message}");
    }
    let message = read(SHEET, &RECORDS.replace(",1", ",one")).unwrap_err();
    assert!(message.contains("table `T`: r.csv: line 2: `published` is \"one\""), "{message}");
    let missing = PublishedSheet::open(Path::new("studies/nowhere.toml")).unwrap_err().to_string();
    assert!(missing.contains("nowhere.toml"), "{missing}");
}

#[test]
fn the_shipped_tables_are_about_names_of_the_shipped_grid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("studies");
    let sheet = PublishedSheet::open(&folder.join("published.toml")).unwrap();
    let layout = StudyGrid::open(&folder.join("paper.toml")).unwrap().0.layout();
    let mut numbers = 0;
    for table in &sheet.tables {
        for record in &table.records {
            assert!(layout.data.contains(&record.data), "{}: {}", table.name, record.data);
            let figures = table.formula.figures();
            for (figure, names) in figures.iter().filter(|_| record.without.is_none()) {
                let given = |at: usize| record.choice.get(&names[at]).unwrap_or(&names[at]);
                let about = format!("{}: {:?}", table.name, record.choice);
                assert!(layout.models.contains(given(0)), "{about}");
                assert!(given(1) == "none" || layout.defenses.contains(given(1)), "{about}");
                match figure.of() {
                    FigureOf::Theft => assert!(layout.attacks.contains(given(2)), "{about}"),
                    FigureOf::Certificate => {
                        assert!(layout.properties.contains(given(2)), "{about}");
                    }
                    FigureOf::Answers => {}
                }
            }
            numbers += 1;
        }
    }
    // tables 1, 2, 3 (two columns, the second three times), 5, 6 and 7, 8 (two readings)
    assert_eq!(numbers, 5 + 400 + 16 + 3 * 16 + 180 + 36 + 12 + 2 * 12 + 180 + 2 * 20);
}
