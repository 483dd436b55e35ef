//! `certify --manifest`: one's own certificates for `steal` and `defend`.

use crate::scene::Scene;

const THIEF: &str = "attack = \"masked_thief\"\nseeds = \"X\"\n[generator]\nkind = \"neighbour\"\nradius = 0.2\n[inference]\nrule = \"certified\"\n";

const ROWS: &str = "certify --model trees.json --spec predicted.toml --data tiny.csv:auxiliary \
                    --out kept/rows.jsonl --manifest kept/manifest.json";
const ORDER: &str = "certify --model trees.json --spec monotone.toml --out order.jsonl --manifest kept/manifest.json";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("thief.toml", THIEF);
    std::fs::create_dir(scene.path("kept")).unwrap();
    scene
}

#[test]
fn ones_own_certificates_are_used_by_steal_and_defend() {
    let scene = scene();
    scene.done(ROWS);
    scene.done(ORDER);
    let manifest: serde_json::Value =
        serde_json::from_str(&scene.read("kept/manifest.json")).unwrap();
    let expected = serde_json::json!({ "certificates": [
        { "certificate": "rows.jsonl", "model": "../trees.json", "spec": "../predicted.toml",
          "data": "../tiny.csv" },
        { "certificate": "../order.jsonl", "model": "../trees.json", "spec": "../monotone.toml" },
    ]});
    assert_eq!(manifest, expected);
    let text = scene.done(
        "steal --target trees.json --attack thief.toml --data tiny.csv --budget 40 --seeds 15 --seed 2 \
         --certificates kept/manifest.json --out stolen",
    );
    assert!(!text.contains(" inferred 0 "), "{text}");
    let text = scene.done(
        "defend --model trees.json --data tiny.csv --defense pp --parameters alpha=0.1 \
         --certificates kept/manifest.json --out defended",
    );
    assert!(text.contains("predicted: ") && text.contains("monotone: "), "{text}");
}

#[test]
fn a_certificate_made_again_is_listed_once() {
    let scene = scene();
    scene.done(ORDER);
    let once = scene.read("kept/manifest.json");
    scene.done(ORDER);
    assert_eq!(scene.read("kept/manifest.json"), once);
}

#[test]
fn nothing_is_added_to_what_cannot_be_read() {
    let scene = scene();
    for text in ["", "{\"certificates\":[]", "{\"certificates\":[],\"more\":1}", "[]"] {
        scene.write("kept/manifest.json", text);
        scene.refused(ORDER, &["kept/manifest.json", "nothing is added", "--manifest"]);
        assert_eq!(scene.read("kept/manifest.json"), text);
        assert!(!scene.has("order.jsonl"), "{text}");
    }
}

#[test]
fn places_where_no_manifest_can_be_are_refused() {
    let scene = scene();
    let call = "certify --model trees.json --spec monotone.toml --out order.jsonl --manifest";
    for (place, facts) in [
        ("kept", ["--manifest kept", "is a folder"]),
        ("none/manifest.json", ["--manifest none/manifest.json", "there is no folder none"]),
        ("monotone.toml", ["monotone.toml", "is read as --spec"]),
    ] {
        scene.refused(&format!("{call} {place}"), &facts);
        assert!(!scene.has("order.jsonl"), "{place}");
    }
    scene.refused(&format!("{call} m.json --semantics real"), &["--semantics", "into the spec"]);
}
