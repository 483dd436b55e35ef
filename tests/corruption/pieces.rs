//! Trees that go over several lines, as they should and as they should not.

use serde_json::{Value, json};

use crate::cases::draw::Draw;
use crate::certificates::Certified;
use crate::lanes::{Mutant, mutant};

/// The line of a split tree as two, cut between two tokens; `None` for other lines and single leaves.
pub fn pieces(line: &str, draw: &mut Draw) -> Option<[Value; 2]> {
    let whole: Value = serde_json::from_str(line).ok()?;
    let tree: Vec<&str> =
        (whole["rule"] == "split").then_some(whole["tree"].as_str()?)?.split(' ').collect();
    if tree.len() < 2 {
        return None;
    }
    let at = 1 + draw.index(tree.len() - 1);
    let (mut first, mut second) = (whole.clone(), whole.clone());
    first["tree"] = json!(tree[..at].join(" "));
    first["piece"] = json!([0, 2]);
    second["tree"] = json!(tree[at..].join(" "));
    second["piece"] = json!([1, 2]);
    second.as_object_mut()?.remove("hints");
    Some([first, second])
}

/// One split tree in pieces that are lost, swapped, doubled or numbered wrong, or all in order.
pub fn in_pieces(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let text = String::from_utf8(c.text()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let split: Vec<usize> =
        (0..lines.len()).filter(|&k| pieces(&lines[k], &mut Draw(0)).is_some()).collect();
    let at = draw.pick(&split)?;
    let [mut first, mut second] = pieces(&lines[at], draw)?;
    let mut order = vec![0, 1];
    match draw.index(9) {
        0 => order = vec![0],
        1 => order = vec![1],
        2 => order = vec![1, 0],
        3 => order = vec![0, 1, 1],
        4 => second["piece"] = json!([1, 3]),
        5 => second["piece"] = json!([0, 2]),
        6 => second["hints"] = json!([{}]),
        7 => first["at"] = json!(first["at"].as_u64()? + 1),
        _ => {}
    }
    let both = [first.to_string(), second.to_string()];
    lines.splice(at..=at, order.into_iter().map(|k| both[k].clone()));
    mutant(c, (lines.join("\n") + "\n").into_bytes())
}
