//! `study claims` and `study beside`: what they say follows from the lines of a study, and bad sheets are refused.

use crate::scene::Scene;

/// Two models and two attacks, one of which has a fifth of the budget.
const GRID: &str = r#"
data = ["tiny.csv"]
repetitions = 4

[[model]]
name = "trees"
file = "trees.json"

[[model]]
name = "held"
hold = ["local.toml"]
family = "trees"

[[property]]
name = "local"
rows = 5
spec-file = "local.toml"

[[attack]]
name = "rich"
certify = "local"
attack = "attack = 'random'\nqueries = 100\nsubstitute = { family = 'trees', trees = 3, depth = 2 }"

[[attack]]
name = "poor"
only = ["trees"]
angles = true
attack = "attack = 'random'\nqueries = 4\nsubstitute = { family = 'trees', trees = 3, depth = 2 }"

[[defense]]
name = "poisoned"
alpha = "0.1"
"#;

const CLAIMS: &str = r#"
[groups]
all = ["rich", "poor"]

[[claim]]
name = "more"
says = "More queries give a better copy."
published = "everywhere"
figure = "uniform(model, none, rich) - uniform(model, none, poor)"
expect = "positive"
for = { model = ["trees", "held"] }

[[claim]]
name = "less"
says = "More queries give a worse copy."
figure = "uniform(trees, none, rich) - uniform(trees, none, poor)"
expect = "negative"

[[claim]]
name = "itself"
says = "An attack is better than itself."
figure = "agreement(trees, defense, attack) - agreement(trees, defense, attack)"
expect = "positive"
for = { attack = ["all"], defense = ["none", "poisoned"] }

[[claim]]
name = "fact"
says = "Something is proved behind the defense and without."
figure = "proved(trees, none, local) + proved(trees, poisoned, local) - 0.01"
expect = "positive"

[[claim]]
name = "angle"
says = "Angles are angles."
figure = "angle(trees, none, poor) - 180 "
expect = "negative"

[[claim]]
name = "gap"
says = "Away from the data the defense does much the same."
figure = "gap-uniform(trees, poisoned)"
expect = "within 1"

[[claim]]
name = "copied"
says = "Most of what is asked of a copy is proved or refuted."
figure = "copy-proved(trees, none, rich) + copy-refuted(trees, none, rich) - 0.5"
expect = "positive"

[[claim]]
name = "member"
says = "A model of two stumps from a file tells members no better than chance, and a defense does not help."
figure = "|membership(trees, none) - 0.5| + |membership(trees, poisoned) - membership(trees, none)|"
expect = "within 0.2"

[[claim]]
name = "nobody"
says = "Nobody knows."
undecided = "Nobody has asked."
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("grid.toml", GRID);
    scene.write("claims.toml", CLAIMS);
    scene.done("study run grid.toml --out a");
    scene.done("study run grid.toml --seed 50 --repetitions 3 --data tiny --out b");
    scene
}

#[test]
fn rulings_follow_from_the_lines() {
    let scene = scene();
    let printed = scene.done("study claims claims.toml a b --out verdicts");
    let expected = [
        "more: supported",
        "less: not supported",
        "itself: not supported",
        "fact: supported",
        "angle: supported",
        "gap: supported",
        "copied: supported",
        "member: supported",
        "nobody: cannot be decided",
        "supported 6 not supported 2 cannot be decided 1 of 9",
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
    let page = scene.read("verdicts/claims.md");
    for fact in [
        "Seed 0: tiny; 4 repetitions",
        "Seed 50: tiny; 3 repetitions",
        "## more: supported",
        "Published: everywhere",
        "Nobody has asked.",
        "asked of other models only",
    ] {
        assert!(page.contains(fact), "{page}");
    }
    let table = scene.read("verdicts/claims.csv");
    assert_eq!(
        table.lines().filter(|line| line.starts_with("itself,")).count(),
        2 * 2 * 2,
        "{table}"
    );
    assert!(table.contains("held"), "{table}");
    // the same bytes again, in the place of the first
    scene.done("study claims claims.toml a b --out verdicts");
    assert_eq!(scene.read("verdicts/claims.md"), page);
    let json = scene.done("study claims claims.toml a --out verdicts --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["studies"][0]["claims"][0]["ruling"], "supported");
}

#[test]
fn missing_data_is_left_out_where_the_grid_says_so() {
    let scene = Scene::new();
    let grid = "data = ['nowhere', 'tiny.csv']\n[[model]]\nname = 'm'\nhold = ['local']\nfamily = 'trees'\n\
        [[property]]\nname = 'local'\nrows = 3\nspec-file = 'local.toml'\n";
    scene.write("grid.toml", grid);
    scene.refused("study run grid.toml --out a", &["there is no data set `nowhere`"]);
    scene.write("grid.toml", format!("skip-missing-data = true\n{grid}"));
    let run = scene.propcert("study run grid.toml --out a").assert().code(0);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("nowhere is left out"), "{told}");
    assert!(!scene.read("a/study.json").contains("nowhere"));
    let resumed = scene.propcert("study run grid.toml --out a --resume").assert().code(0);
    assert!(String::from_utf8_lossy(&resumed.get_output().stderr).contains("is there and whole"));
    let only = grid.replace(", 'tiny.csv'", "");
    scene.write("grid.toml", format!("skip-missing-data = true\n{only}"));
    scene.refused("study run grid.toml --out b", &["at least one data set that is found"]);
}

#[test]
fn bad_sheets_and_narrowings_are_refused() {
    let scene = Scene::new();
    scene.write("grid.toml", GRID);
    scene.write("claims.toml", CLAIMS);
    scene.refused("study claims claims.toml nowhere --out v", &["expected the folder of a study"]);
    scene
        .refused("study run grid.toml --out a --data large", &["no data set `large`; it has tiny"]);
    scene.refused(
        "study run grid.toml --out a --repetitions 0",
        &["0 repetitions; expected at least 1"],
    );
    for (old, new, facts) in [
        ("only = [\"trees\"]", "only = [\"tree\"]", &["line 26: `only`", "[[model]]"] as &[&str]),
        ("family = \"trees\"", "family = \"tree\"", &["line 12", "unknown value `tree`"]),
        ("hold = [\"local.toml\"]\n", "", &["line 10: model `held` has 0 of the keys", "`hold`"]),
        ("hold = [\"local.toml\"]", "hold = []", &["line 11: `hold` is []"]),
        (
            "hold = [\"local.toml\"]",
            "hold = [\"mlp.json\"]",
            &["line 10: model `held`: mlp.json: not a spec"],
        ),
        ("hold = [\"local.toml\"]", "recipe = \"family = 'mlp'\"", &["line 12: `family`"]),
    ] {
        let text = GRID.replace(old, new);
        assert_ne!(text, GRID);
        scene.write("bad.toml", text);
        scene.refused("study run bad.toml --out a", facts);
    }
    scene.done("study run grid.toml --out a");
    scene.write("bad.toml", CLAIMS.replace("- uniform", "~ uniform"));
    scene.refused(
        "study claims bad.toml a --out v",
        &["bad.toml: line 5: claim `more`", "`+`, `-` or the end"],
    );
    scene.write("mine.md", "years of work");
    std::fs::create_dir(scene.path("v")).unwrap();
    scene.write("v/claims.md", "years of work");
    scene.refused("study claims claims.toml a --out v", &["is not a page of claims", "--force"]);
    assert_eq!(scene.read("v/claims.md"), "years of work");
    scene.refused("study claims claims.toml a --out a", &["is the folder of a study"]);
    scene.refused("study claims claims.toml a ./a --out w", &["both are of seed 0", "--seed"]);
    assert!(!scene.has("w"));
}

const TABLES: &str = r#"
source = "Somebody"

[[table]]
name = "one"
says = "Agreement in percent."
figure = "100*agreement(target, none, attack)"
across = "attack"
records = "one.csv"

[[table]]
name = "two"
says = "Proved, in percent."
figure = "100*proved(trees, none, local)"
end = "at-least"
records = "two.csv"
"#;

fn with_tables(scene: &Scene) {
    scene.write("published.toml", TABLES);
    let lines = "tiny,trees,rich,150,\ntiny,held,rich,-5,\ntiny,trees,poor,50,smudged\nhuge,trees,rich,1,\n";
    scene.write("one.csv", format!("data,target,attack,published,remark\n{lines}"));
    scene.write("two.csv", "data,published,without\ntiny,100,\nhuge,1,nobody does\n");
}

#[test]
fn published_numbers_stand_beside_the_lines() {
    let scene = scene();
    with_tables(&scene);
    let printed = scene.done("study beside published.toml a b --out beside");
    let expected =
        ["one: 3 of 4 numbers have a figure here", "two: 1 of 2 numbers have a figure here"];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
    let page = scene.read("beside/beside.md");
    for fact in [
        "Published: Somebody.",
        "Seed 0: tiny; 4 repetitions",
        "| data | target | rich | poor |",
        // no agreement is far above 100 percent, none below 0
        "| tiny | trees | 150 / **",
        "| tiny | held | -5 / **",
        "tiny, poor, trees, 50: smudged",
        "1 without a figure, or not of every repetition: `huge` is not in the study",
        "1 without a figure, or not of every repetition: nobody does",
        "| tiny | 100 | ≥ ",
        "| huge | 1 | – |  |",
    ] {
        assert!(page.contains(fact), "`{fact}` is not in\n{page}");
    }
    let table = scene.read("beside/beside.csv");
    assert_eq!(table.lines().count(), 1 + 2 * 6, "{table}");
    // the same bytes again, in the place of the first
    scene.done("study beside published.toml a b --out beside");
    assert_eq!(scene.read("beside/beside.md"), page);
    let json = scene.done("study beside published.toml a --out beside --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["studies"][0]["tables"][0][0]["published"], 150.0);
}

#[test]
fn bad_tables_are_refused() {
    let scene = Scene::new();
    scene.write("grid.toml", GRID);
    scene.done("study run grid.toml --out a");
    with_tables(&scene);
    scene.refused("study beside published.toml nowhere --out v", &["the folder of a study"]);
    scene.refused("study beside published.toml a --out a", &["is the folder of a study"]);
    scene.refused("study beside published.toml a ./a --out w", &["both are of seed 0"]);
    std::fs::create_dir(scene.path("v")).unwrap();
    scene.write("v/beside.md", "years of work");
    scene.refused("study beside published.toml a --out v", &["is not a page of published tables"]);
    assert_eq!(scene.read("v/beside.md"), "years of work");
    // a file of records is no place for a result, not even by force
    std::fs::create_dir(scene.path("own")).unwrap();
    scene.write("own/published.toml", TABLES.replace("two.csv", "beside.csv"));
    scene.write("own/one.csv", scene.read("one.csv"));
    scene.write("own/beside.csv", scene.read("two.csv"));
    let call = "study beside own/published.toml a --out own --force";
    scene.refused(call, &["beside.csv"]);
    assert_eq!(scene.read("own/beside.csv"), scene.read("two.csv"));
    scene.write("two.csv", "data,published\ntiny,?\n");
    let facts = ["published.toml: line 11: table `two`: two.csv: line 2", "finite number"];
    scene.refused("study beside published.toml a --out w", &facts);
    scene.write("published.toml", TABLES.replace("two.csv", "three.csv"));
    scene.refused("study beside published.toml a --out w", &["table `two`", "three.csv"]);
    assert!(!scene.has("w"));
}
