//! Misspelled keys and values: the near name is told, for every kind of file that is read strictly.

use crate::scene::Scene;

#[test]
fn near_names_are_told_whatever_the_file() {
    let scene = Scene::new();
    let certify = "certify --model trees.json --spec bad --data tiny.csv --out c.jsonl";
    let steal = "steal --target trees.json --data tiny.csv --budget 9 --seeds 3 --out stolen";
    let train = "train --data tiny.csv --recipe bad --out m.json";
    let cases: [(&str, &str, String); 12] = [
        ("property = 'label'\nepsilonn = '1'", "epsilon", certify.to_owned()),
        ("property = 'label'\nepsilon = '1'\nnorm = 'lnf'", "linf", certify.to_owned()),
        ("property = 'lable'\nepsilon = '1'", "label", certify.to_owned()),
        (
            "property = 'monotonicity'\nfeatures = ['incom']\ndirection = 'increasing'",
            "income",
            certify.replace(" --data tiny.csv", ""),
        ),
        ("family = 'tree'", "trees", train.to_owned()),
        ("family = 'mlp'\n[training]\nepoch = 3", "epochs", train.to_owned()),
        ("attack = 'jacobean'", "jacobian", format!("{steal} --attack bad")),
        ("attack = 'random'\nseedrows = 3", "seed-rows", format!("{steal} --attack bad")),
        ("data = ['tiny.csv']\nrepetition = 3", "repetitions", "study run bad --out s".to_owned()),
        (
            "epsilon = ['0.1']",
            "epsilons",
            "audit --model trees.json --data tiny.csv --plan bad --out a".to_owned(),
        ),
        (
            "leave-out = ['radi']",
            "radii",
            "audit --model trees.json --data tiny.csv --plan bad --out a".to_owned(),
        ),
        (
            "{\"certificates\":[{\"certificat\":\"c\"}]}",
            "certificate",
            format!("{steal} --attack thief.toml --certificates bad"),
        ),
    ];
    scene.write("thief.toml", "attack = 'random'\nseeds = 'X'");
    for (text, near, call) in cases {
        scene.write("bad", text);
        let message = scene.refused(&call, &[&format!("did you mean `{near}`?")]);
        assert!(!message.contains("field"), "{message}");
    }
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let scene = Scene::new();
    let call = "certify --model trees.json --spec bad --out c.jsonl";
    scene.write("bad", "property = 'high-confidence'");
    scene.refused(call, &["needs the keys `features`, `confidence` and `cutoff`"]);
    scene.write("bad", "property = 'stability'\nfeatures = ['incom', 'size', 'age']\nbound = '1'");
    scene.refused(call, &["no feature `incom` (did you mean `income`?), `size`; its features"]);
    let open = scene.read("trees.json").replace(r#""low":"0","high":"4","#, "");
    scene.write("open.json", open);
    let call = "certify --model open.json --spec monotone.toml --out c.jsonl";
    scene.refused(
        call,
        &["2 features have no declared range", "[domain]", "\"age\" = ", "\"income\" = "],
    );
}
