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
