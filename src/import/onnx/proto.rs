//! The messages of an ONNX file that a feed-forward network needs (`onnx.proto3`).
//!
//! Fields that say nothing about the function (names of tools, documentation) are skipped; fields
//! that could change it (external data, sparse tensors, local functions) are refused by name. Lists
//! are limited, so that the memory held is in proportion to the bytes read.

use crate::import::ImportError;
use crate::model::at_most;

use super::tensor::{MAX_DIMENSIONS, MAX_WHOLE, Numbers, Tensor, floats, whole};
use super::wire::{Fields, Value, broken, text, unsupported};

/// Most nodes, and most tensors, of a graph.
const MAX_PARTS: usize = 10_000;
/// Most attributes, inputs or outputs of a node.
const MAX_SLOTS: usize = 32;

/// A graph: operations, stored tensors, and the declared inputs and outputs.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    /// Operations in topological order.
    pub(super) nodes: Vec<GraphNode<'a>>,
    /// Stored tensors.
    pub(super) initializers: Vec<Tensor<'a>>,
    /// Declared inputs; old files list the initializers here as well.
    pub(super) inputs: Vec<DeclaredValue<'a>>,
    /// Declared outputs.
    pub(super) outputs: Vec<DeclaredValue<'a>>,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct GraphNode<'a> {
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    pub(super) operator: &'a str,
    pub(super) domain: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// A parameter of an operation.
#[derive(Debug, Default)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) float: Option<f32>,
    pub(super) int: Option<i64>,
    pub(super) floats: Vec<f32>,
    pub(super) ints: Vec<i64>,
    pub(super) texts: Vec<&'a [u8]>,
    /// Apart, so that many attributes take little room.
    pub(super) tensor: Option<Box<Tensor<'a>>>,
}

/// A declared value: its name and, where known, its dimensions (`None` is a free one).
#[derive(Debug, Default)]
pub(super) struct DeclaredValue<'a> {
    pub(super) name: &'a str,
    pub(super) dimensions: Option<Vec<Option<u64>>>,
}

/// The parts of a model file that are read.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) graph: Graph<'a>,
    /// The metadata under [`FEATURES`], which our exporter writes.
    pub(super) features: Option<&'a [u8]>,
}

/// The metadata that describe the features.
pub(super) const FEATURES: &str = "propcert.features";

/// Reads the graph of a model file and its description of the features.
pub(super) fn file(bytes: &[u8]) -> Result<File<'_>, ImportError> {
    let (mut found, mut features) = (None, None);
    let mut fields = Fields::new(bytes, 0);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (7, Value::Bytes(bytes, at)) if found.is_none() => {
                found = Some(Graph::read(Fields::new(bytes, at))?);
            }
            (7, _) => return Err(broken(0, "more than one graph")),
            (14, Value::Bytes(bytes, at)) => {
                features = features.or(metadata(Fields::new(bytes, at), FEATURES)?);
            }
            (25, _) => return Err(unsupported("local functions", "operators of ONNX itself")),
            _ => {}
        }
    }
    let graph = found.ok_or_else(|| broken(bytes.len(), "no graph: this is no ONNX model"))?;
    Ok(File { graph, features })
}

/// The value of an entry of the metadata, if it has the wanted key.
fn metadata<'a>(mut fields: Fields<'a>, wanted: &str) -> Result<Option<&'a [u8]>, ImportError> {
    let (mut key, mut text): (&[u8], _) = (b"", None);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(bytes, _)) => key = bytes,
            (2, Value::Bytes(bytes, _)) => text = Some(bytes),
            _ => {}
        }
    }
    Ok(text.filter(|_| key == wanted.as_bytes()))
}

impl<'a> Graph<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, ImportError> {
        let mut graph = Self::default();
        while let Some((number, value)) = fields.next()? {
            let Value::Bytes(bytes, at) = value else { continue };
            let inner = Fields::new(bytes, at);
            match number {
                1 => graph.nodes.push(GraphNode::read(inner)?),
                5 => graph.initializers.push(Tensor::read(inner)?),
                11 => graph.inputs.push(DeclaredValue::read(inner)?),
                12 => graph.outputs.push(DeclaredValue::read(inner)?),
                15 => return Err(unsupported("sparse tensors", "dense tensors")),
                _ => {}
            }
            at_most("nodes of a graph", graph.nodes.len(), MAX_PARTS)?;
            at_most("tensors of a graph", graph.initializers.len(), MAX_PARTS)?;
            at_most("inputs of a graph", graph.inputs.len(), MAX_PARTS)?;
            at_most("outputs of a graph", graph.outputs.len(), MAX_PARTS)?;
        }
        Ok(graph)
    }
}

impl<'a> GraphNode<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, ImportError> {
        let mut node = Self::default();
        while let Some((number, value)) = fields.next()? {
            let Value::Bytes(bytes, at) = value else { continue };
            match number {
                1 => node.inputs.push(text(bytes, at)?),
                2 => node.outputs.push(text(bytes, at)?),
                4 => node.operator = text(bytes, at)?,
                5 => node.attributes.push(Attribute::read(Fields::new(bytes, at))?),
                7 => node.domain = text(bytes, at)?,
                _ => {}
            }
            for slots in [node.inputs.len(), node.outputs.len(), node.attributes.len()] {
                at_most("inputs, outputs or attributes of a node", slots, MAX_SLOTS)?;
            }
        }
        Ok(node)
    }
}

impl<'a> Attribute<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, ImportError> {
        let mut attribute = Self::default();
        let mut ints = Vec::new();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, Value::Bytes(bytes, at)) => attribute.name = text(bytes, at)?,
                (2, Value::Four(bytes)) => attribute.float = Some(f32::from_le_bytes(bytes)),
                (3, Value::Varint(n)) => attribute.int = Some(n.cast_signed()),
                (5, Value::Bytes(bytes, at)) => {
                    attribute.tensor = Some(Tensor::read(Fields::new(bytes, at))?.into());
                }
                (7, Value::Four(bytes)) => attribute.floats.push(f32::from_le_bytes(bytes)),
                (7, Value::Bytes(bytes, at)) => attribute.floats.extend(floats(bytes, at)?),
                (8, Value::Varint(n)) => ints.push(n.cast_signed()),
                (8, Value::Bytes(bytes, at)) => ints.extend(whole(bytes, at)?),
                (9, Value::Bytes(bytes, _)) => attribute.texts.push(bytes),
                _ => {}
            }
            at_most("whole numbers of an attribute", ints.len(), MAX_WHOLE)?;
            at_most("texts of an attribute", attribute.texts.len(), MAX_WHOLE)?;
        }
        attribute.tensor = match attribute.name {
            "value_float" => {
                attribute.float.map(|x| Tensor::of(None, Numbers::F32(vec![x])).into())
            }
            "value_int" => attribute.int.map(|n| Tensor::of(None, Numbers::I64(vec![n])).into()),
            "value_floats" => {
                let floats = attribute.floats.clone();
                Some(Tensor::of(Some(floats.len()), Numbers::F32(floats)).into())
            }
            "value_ints" => {
                Some(Tensor::of(Some(ints.len()), Numbers::I64(std::mem::take(&mut ints))).into())
            }
            _ => attribute.tensor,
        };
        attribute.ints = ints;
        Ok(attribute)
    }
}

impl<'a> DeclaredValue<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, ImportError> {
        let mut declared = Self::default();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, Value::Bytes(bytes, at)) => declared.name = text(bytes, at)?,
                // type → tensor type → shape
                (2, Value::Bytes(bytes, at)) => {
                    let shape = match inner(Fields::new(bytes, at), 1)? {
                        Some(tensor) => inner(tensor, 2)?,
                        None => None,
                    };
                    declared.dimensions = shape.map(dimensions).transpose()?;
                }
                _ => {}
            }
        }
        Ok(declared)
    }
}

/// The message in a field, if there is one.
fn inner(mut fields: Fields<'_>, wanted: u32) -> Result<Option<Fields<'_>>, ImportError> {
    let mut found = None;
    while let Some((number, value)) = fields.next()? {
        if let (true, Value::Bytes(bytes, at)) = (number == wanted, value) {
            found = Some(Fields::new(bytes, at));
        }
    }
    Ok(found)
}

/// The dimensions of a shape. Named dimensions are free, and so is 0, which some tools write for a free batch.
fn dimensions(mut fields: Fields<'_>) -> Result<Vec<Option<u64>>, ImportError> {
    let mut dimensions = Vec::new();
    while let Some((number, value)) = fields.next()? {
        let (1, Value::Bytes(bytes, at)) = (number, value) else { continue };
        let mut fixed = None;
        let mut fields = Fields::new(bytes, at);
        while let Some(field) = fields.next()? {
            if let (1, Value::Varint(n)) = field {
                fixed = (n > 0 && n <= i64::MAX.cast_unsigned()).then_some(n);
            }
        }
        dimensions.push(fixed);
        at_most("dimensions of a tensor", dimensions.len(), MAX_DIMENSIONS)?;
    }
    Ok(dimensions)
}
