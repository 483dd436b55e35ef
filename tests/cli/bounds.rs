//! `bounds`.

use crate::scene::Scene;

/// Lower and upper bound of every line after the header.
fn read(text: &str) -> Vec<(f64, f64)> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("row,lower,upper"));
    let pair = |line: &str| {
        let cells: Vec<f64> = line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
        (cells[0], cells[1])
    };
    lines.map(pair).collect()
}

#[test]
fn bounds_enclose_the_margin_and_nearly_touch_it() {
    let scene = Scene::new();
    scene.write("points.csv", "row,age,income\na,2,3\nb,2,1\n");
    for method in ["ibp", "crown", "alpha", "lp"] {
        let call = format!("bounds --model mlp.json --points points.csv --method {method}");
        // the margin of the predicted label is 2 at both points, its slopes are 1 and 2
        for (lower, upper) in read(&scene.done(&format!("{call} --eps 0.25"))) {
            assert!(lower <= 1.25 && lower > 1.249, "{method}: {lower}");
            assert!((2.75..2.751).contains(&upper), "{method}: {upper}");
        }
        for (lower, upper) in read(&scene.done(&format!("{call} --eps 0 --label 0"))) {
            assert!(lower <= upper && upper - lower < 1e-5, "{method}: {lower} {upper}");
        }
    }
}

#[test]
fn a_label_column_says_whose_margin_is_meant() {
    let scene = Scene::new();
    scene.write("points.csv", "label,age,income\n0,2,3\n");
    let text = scene.done("bounds --model mlp.json --points points.csv --method ibp --eps 0.25");
    assert!(read(&text)[0].1 < -1.249, "{text}");
}

#[test]
fn bad_calls_are_refused() {
    let scene = Scene::new();
    scene.write("points.csv", "age,income\n2,3\n");
    let call = "bounds --model mlp.json --points points.csv";
    scene.refused(&format!("{call} --method guess --eps 0.1"), &["guess"]);
    scene.refused(&format!("{call} --method ibp --eps -1"), &["--epsilon -1"]);
    scene.refused(&format!("{call} --method ibp --eps nan"), &["--epsilon NaN"]);
    scene.refused(&format!("{call} --method ibp --eps inf"), &["--epsilon inf"]);
    scene.refused(&format!("{call} --method ibp --eps 0.1 --label 2"), &["label 2"]);
    scene.write("far.csv", "age,income\n2,3e38\n");
    scene.refused(
        "bounds --model mlp.json --points far.csv --method ibp --eps 3e38",
        &["not finite in float32"],
    );
    let message = scene.refused(
        "bounds --model trees.json --points points.csv --method ibp --eps 0.1",
        &["ensemble"],
    );
    crate::snapshot!("bounds-refusal", message);
}
