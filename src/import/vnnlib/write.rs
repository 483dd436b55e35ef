//! Queries as specs.

use std::fmt::Write;

use crate::interval::Decimal;
use crate::spec::{InputBox, InputRow, OutputRow};

use super::query::{Input, Query, UnsafeBlock};

/// The spec file (property `output-region`) of a query; [`Spec::read`](crate::spec::Spec::read)
/// reads it back to the same numbers.
///
/// Inputs are those of the network file, so `units` is `raw`; they are real numbers, so `integers` is
/// `relax`. Strict conditions of the file on inputs are stated with equality: see [`Query`]. A model whose
/// features have ranges narrows the boxes to them, as it does for every spec.
pub fn spec_text(query: &Query) -> String {
    let Query { copies, inputs, blocks, .. } = query;
    format!(
        "property = \"output-region\"\nunits = \"raw\"\nintegers = \"relax\"\ncopies = {copies}\n{}{}",
        self::blocks(blocks),
        self::inputs(inputs),
    )
}

/// The text of the key `unsafe`.
pub(super) fn blocks(blocks: &[UnsafeBlock]) -> String {
    let mut text = "unsafe = [\n".to_owned();
    for UnsafeBlock { rows } in blocks {
        text.push_str("  [\n");
        for OutputRow { y, rhs, strict } in rows {
            let strict = if *strict { ", strict = true" } else { "" };
            push(&mut text, format_args!("    {{ y = {}, rhs = \"{rhs}\"{strict} }},\n", list(y)));
        }
        text.push_str("  ],\n");
    }
    text + "]\n"
}

/// The text of the tables `[[input]]`.
pub(super) fn inputs(inputs: &[Input]) -> String {
    let mut text = String::new();
    for Input { set: InputBox { sides, rows }, strict } in inputs {
        text.push_str("\n[[input]]\n");
        if !strict.is_empty() {
            push(&mut text, format_args!("# strict in the file: {strict:?}\n"));
        }
        text.push_str("box = [\n");
        for (low, high) in sides {
            push(&mut text, format_args!("  [\"{low}\", \"{high}\"],\n"));
        }
        text.push_str("]\n");
        if !rows.is_empty() {
            text.push_str("rows = [\n");
            for InputRow { x, rhs } in rows {
                push(&mut text, format_args!("  {{ x = {}, rhs = \"{rhs}\" }},\n", list(x)));
            }
            text.push_str("]\n");
        }
    }
    text
}

fn list(numbers: &[Decimal]) -> String {
    let quoted: Vec<String> = numbers.iter().map(|number| format!("\"{number}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string does not fail");
}
