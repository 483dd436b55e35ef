//! `certify` and `check` on claims about pairs.

use crate::scene::Scene;

/// The last line of what was printed.
fn last(text: &str) -> &str {
    text.lines().last().unwrap()
}

#[test]
fn all_pairs_of_a_part_are_counted_and_checked() {
    let scene = Scene::new();
    scene.write("lipschitz.toml", "property = \"lipschitzness-t\"\nconstant = \"0.4\"\n");
    scene.write(
        "near.toml",
        "property = \"local-invariance-t\"\nepsilon-1 = \"1\"\nepsilon-2 = \"0.05\"\n",
    );
    for name in ["lipschitz", "near"] {
        let files = format!("--model mlp.json --spec {name}.toml --data tiny.csv");
        let stated = scene.done(&format!("certify {files} --rows 40 --out {name}.jsonl"));
        let is_mixed =
            !last(&stated).contains("refuted 0 ") && !last(&stated).contains("proved 0 ");
        assert!(is_mixed && last(&stated).contains("undecided 0"), "{stated}");
        assert!(!stated.contains("sampled"), "every pair is decided: {stated}");
        let text = scene.read(&format!("{name}.jsonl"));
        assert!(text.contains("\"part\":\"train\"") && text.lines().count() == 3, "{text}");
        let check = format!("check {name}.jsonl {files}");
        assert_eq!(last(&scene.done(&check)), last(&stated));
        assert_eq!(last(&scene.done(&format!("{check} --exact"))), last(&stated));
        scene.propcert(&format!("{check} --all-proved")).assert().code(1);
        assert!(scene.done(&format!("{check} --json")).contains("\"verdict\":\"counted\""));

        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[1] = r#"{"at":0,"rule":"all-pairs","witnesses":[[0,40]]}"#.to_owned();
        scene.write(&format!("{name}.jsonl"), lines.join("\n") + "\n");
        scene.refused(&check, &["row 40"]);
        lines[1] = r#"{"at":0,"rule":"none"}"#.to_owned();
        scene.write(&format!("{name}.jsonl"), lines.join("\n") + "\n");
        scene.refused(&check, &["all-pairs"]);
        let wrong = text.replacen("\"refuted\":", "\"refuted\":1", 1);
        scene.write(&format!("{name}.jsonl"), wrong);
        scene.propcert(&check).assert().code(1);
        let many = vec!["[0,1]"; 1001].join(",");
        lines[1] = format!("{{\"at\":0,\"rule\":\"all-pairs\",\"witnesses\":[{many}]}}");
        scene.write(&format!("{name}.jsonl"), lines.join("\n") + "\n");
        scene.refused(&check, &["witnesses", "1000"]);
    }
}

/// Certifies and checks in both arithmetics, and gives the last line.
fn settled(scene: &Scene, spec: &str, options: &str) -> String {
    let files = format!("--model mlp.json --spec spec.toml {options}");
    scene.write("spec.toml", spec);
    let data = if options.contains("--data") { "--data tiny.csv" } else { "" };
    let stated = scene.done(&format!("certify {files} --out pairs.jsonl"));
    let check = format!("check pairs.jsonl --model mlp.json --spec spec.toml {data}");
    assert_eq!(last(&scene.done(&check)), last(&stated));
    assert_eq!(last(&scene.done(&format!("{check} --exact"))), last(&stated));
    last(&stated).to_owned()
}

#[test]
fn a_small_neighbourhood_is_proved_or_refuted() {
    let scene = Scene::new();
    let claim = |constant: &str, on: &str| {
        format!(
            "property = \"small-neighborhood\"\nepsilon = \"0.5\"\nconstant = \"{constant}\"\non = \"{on}\"\n"
        )
    };
    let proved = "proved 1 refuted 0 undecided 0 of 1 (vacuous 0)";
    let refuted = "proved 0 refuted 1 undecided 0 of 1 (vacuous 0)";
    for (constant, on, expected) in [
        ("3", "posterior", proved),
        ("0.6", "posterior", refuted),
        ("8.1", "score", proved),
        ("3", "score", refuted),
    ] {
        assert_eq!(settled(&scene, &claim(constant, on), ""), expected, "{constant} {on}");
    }
    // the proof of a weaker claim
    settled(&scene, &claim("3", "posterior"), "");
    let text = scene.read("pairs.jsonl");
    assert!(text.contains("difference"));
    settled(&scene, &claim("0.6", "posterior"), "");
    let header = scene.read("pairs.jsonl").lines().next().unwrap().to_owned();
    let rest: Vec<&str> = text.lines().skip(1).collect();
    scene.write("pairs.jsonl", format!("{header}\n{}\n", rest.join("\n")));
    let check = "check pairs.jsonl --model mlp.json --spec spec.toml";
    scene.propcert(check).assert().code(1);
}

#[test]
fn pairs_of_boxes_are_proved_or_refuted() {
    let scene = Scene::new();
    let claim = |constant: &str| {
        format!("property = \"lipschitzness\"\nepsilon = \"0.1\"\nconstant = \"{constant}\"\n")
    };
    let all = settled(&scene, &claim("3"), "--data tiny.csv --rows 5");
    assert_eq!(all, "proved 10 refuted 0 undecided 0 of 10 (vacuous 0)");
    let some = settled(&scene, &claim("0.3"), "--data tiny.csv --rows 5");
    assert!(!some.contains("refuted 0") && some.contains("of 10"), "{some}");
    let text = scene.read("pairs.jsonl");
    let mut lines: Vec<&str> = text.lines().collect();
    let refuted = lines.iter().position(|line| line.contains("counterexample")).unwrap();
    let range = format!("{{\"at\":{},\"rule\":\"range\"}}", refuted - 1);
    lines[refuted] = &range;
    scene.write("pairs.jsonl", lines.join("\n") + "\n");
    let check = "check pairs.jsonl --model mlp.json --spec spec.toml --data tiny.csv";
    scene.propcert(check).assert().code(1);
    scene.write("stable.toml", "property = \"stability\"\nfeatures = [\"age\"]\nbound = \"1\"\n");
    scene.refused(
        "certify --model mlp.json --spec stable.toml --out x.jsonl",
        &["stability", "ensembles only"],
    );
}

#[test]
fn decreasing_networks_and_the_boundary_of_the_domain() {
    let scene = Scene::new();
    let decreasing = "property = \"monotonicity\"\nfeatures = [\"income\", \"age\"]\ndirection = \"decreasing\"\n";
    let refuted = "proved 0 refuted 2 undecided 0 of 2 (vacuous 0)";
    assert_eq!(settled(&scene, decreasing, ""), refuted);
    let falling = crate::scene::MLP.replace("[[0.0,1.0],[1.0,0.0]]", "[[1.0,0.0],[0.0,1.0]]");
    scene.write("mlp.json", falling);
    let proved = "proved 2 refuted 0 undecided 0 of 2 (vacuous 0)";
    assert_eq!(settled(&scene, decreasing, ""), proved);
    let fuzz = |shift: &str, zone: &str| {
        format!(
            "property = \"boundary-fuzz\"\nshift = \"{shift}\"\nepsilon = \"0.1\"\nscope = \"domain\"\nzone = \"{zone}\"\n"
        )
    };
    for zone in ["axis", "ball"] {
        let proved = "proved 1 refuted 0 undecided 0 of 1 (vacuous 0)";
        assert_eq!(settled(&scene, &fuzz("0.05", zone), ""), proved);
        let refuted = "proved 0 refuted 1 undecided 0 of 1 (vacuous 0)";
        assert_eq!(settled(&scene, &fuzz("1", zone), ""), refuted);
    }
    // steep where income is high, and flat at the boundary
    let bent = crate::scene::MLP
        .replace(
            "[[2.0,2.0],[-2.0,-2.0]],\"bias\":[0.0,0.0]",
            "[[0.0,1.0],[0.0,1.0]],\"bias\":[2.0,-1.0]",
        )
        .replace(
            "[[0.0,1.0],[1.0,0.0]],\"bias\":[0.0,0.0]",
            "[[0.0,0.0],[0.5,50.0]],\"bias\":[0.0,-1.0]",
        );
    scene.write("mlp.json", bent);
    for zone in ["axis", "ball"] {
        let proved = "proved 1 refuted 0 undecided 0 of 1 (vacuous 0)";
        assert_eq!(settled(&scene, &fuzz("0.1", zone), ""), proved);
        assert!(scene.read("pairs.jsonl").contains(" F"), "{zone}");
    }
}

#[test]
fn a_claim_about_vacuous_pairs_only_says_so() {
    let scene = Scene::new();
    let spec = "property = \"local-invariance-t\"\nepsilon-1 = \"1e-9\"\nepsilon-2 = \"0.1\"\n";
    scene.write("near.toml", spec);
    let files = "--model mlp.json --spec near.toml --data tiny.csv";
    let stated = scene.done(&format!("certify {files} --rows 3 --out near.jsonl"));
    assert!(stated.contains("there are none but vacuous or invalid ones"), "{stated}");
    assert_eq!(last(&stated), "proved 0 refuted 0 undecided 0 of 0 (vacuous 6)");
    let check = format!("check near.jsonl {files}");
    assert_eq!(last(&scene.done(&check)), last(&stated));
    scene.propcert(&format!("{check} --all-proved")).assert().code(1);
}

/// `--rows` counts distinct rows where pairs of them are meant, and says nothing about a domain.
#[test]
fn a_number_of_rows_that_means_nothing_is_refused() {
    let scene = Scene::new();
    let pairs = "property = \"lipschitzness\"\nepsilon = \"0.1\"\nconstant = \"1\"\n";
    scene.write("pairs.toml", pairs);
    // every row twice
    let table = scene.read("tiny.csv");
    let (_, rows) = table.split_once('\n').unwrap();
    scene.write("tiny.csv", format!("{table}{rows}"));
    let call = "certify --model mlp.json --data tiny.csv --out c.jsonl";
    scene.refused(&format!("{call} --spec pairs.toml --rows 1000"), &["1000", "distinct rows"]);
    let domain = "property = \"small-neighborhood\"\nepsilon = \"0.1\"\nconstant = \"1\"\n";
    scene.write("domain.toml", domain);
    let facts = ["domain.toml", "--rows 5", "small-neighborhood"];
    scene.refused(&format!("{call} --spec domain.toml --rows 5"), &facts);
}
