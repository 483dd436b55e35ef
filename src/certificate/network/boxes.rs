//! Boxes of points, and perhaps of their partners, for leaves that bound further copies of a point.

use crate::model::Schema;
use crate::spec::RawRegion;

use crate::certificate::cases::{Visited, preorder};
use crate::certificate::claims::Outcome;
use crate::certificate::{Cut, Leaf, Rejection, SplitTree, Step};

/// Walks a tree of input cuts over the region of a claim whose leaves bound further copies of their points,
/// shifted ones or ones that are close. `decide` is given each leaf's box of points; their copies may lie
/// beyond it. A sign of a neuron says nothing about these copies, and bounds of a part say nothing about the
/// points around it, so only inputs are cut and nothing is inherited. All leaves must be `rule`.
///
/// `partners` gives the box of all copies of a box's points, if the claim is about pairs and that box
/// may be cut too, as copy 1; a leaf then answers for the pairs of its two boxes.
#[cfg_attr(not(test), expect(clippy::wildcard_enum_match_arm, reason = "refused"))]
pub(in crate::certificate) fn walk_boxes(
    schema: &Schema,
    region: &RawRegion,
    tree: &SplitTree,
    rule: Leaf,
    partners: impl Fn(&RawRegion) -> Option<RawRegion>,
    decide: impl Fn(&RawRegion, Option<&RawRegion>) -> Outcome,
) -> Result<Outcome, Rejection> {
    let root = Joint { region: region.clone(), partners: None };
    preorder(root, tree, |token, step, here| match step {
        Step::Cut { cut: Cut::Input { copy, feature, at }, refresh: None }
            if *feature < schema.len() && (*copy == 0 || partners(&here.region).is_some()) =>
        {
            let halves = match copy {
                0 => here.region_halved(schema, *feature, *at),
                _ => here.partners_halved(schema, *feature, *at, &partners),
            };
            halves.map(Visited::Cut).ok_or(Rejection::CutOutside { token })
        }
        Step::Leaf { leaf, refresh: None, hint: None } if *leaf == rule => {
            let is_empty = here.region.is_empty();
            let outcome = || decide(&here.region, here.partners.as_ref());
            Ok(Visited::Leaf(if is_empty { Outcome::Holds } else { outcome() }))
        }
        _ => {
            let problem = "this claim is split by input cuts (of copy 1 with zone `ball`) and leaves of \
                           one letter, `F` (boundary-fuzz) or `L` (small-neighborhood), only";
            Err(Rejection::Tree { token, problem })
        }
    })
}

/// A box of points, and the box of those partners that the case is about: all of them, until a cut of copy 1
/// gives a smaller box.
struct Joint {
    region: RawRegion,
    partners: Option<RawRegion>,
}

impl Joint {
    fn region_halved(self, schema: &Schema, feature: usize, at: f64) -> Option<(Self, Self)> {
        let (low, high) = self.region.halved(schema, feature, at, true)?;
        let part = |region| Self { region, partners: self.partners.clone() };
        Some((part(low), part(high)))
    }

    fn partners_halved(
        self,
        schema: &Schema,
        feature: usize,
        at: f64,
        all: impl Fn(&RawRegion) -> Option<RawRegion>,
    ) -> Option<(Self, Self)> {
        let Self { region, partners } = self;
        let partners = partners.or_else(|| all(&region))?;
        // a partner need not be whole
        let (low, high) = partners.halved(schema, feature, at, false)?;
        let part = |partners| Self { region: region.clone(), partners: Some(partners) };
        Some((part(low), part(high)))
    }
}
