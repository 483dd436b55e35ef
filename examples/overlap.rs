//! Rules beside those that cover them. `cargo run --release --example overlap -- MODEL DATA ROWS`: of a network, multipliers
//! of the linear program beside its slopes, and the gradient beside changes on whole domains; of an ensemble, the cheap
//! rules of boundaries beside bare pairs of leaves.
use propcert::certificate::{
    Arithmetic, Bounds, Hint, Kernel, Proof, Verdict, competitors, margin_row,
};
use propcert::certify::network::lp;
use propcert::dataset;
use propcert::model::{Family, Model, Part};
use propcert::spec::{Lowered, Spec};
use std::collections::BTreeMap;
fn reached(v: &Verdict) -> f64 {
    match v {
        Verdict::Undecided(Bounds { reached, .. }) => *reached,
        Verdict::Proved(_) => f64::INFINITY,
        _ => f64::NEG_INFINITY,
    }
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let model = Model::read(&std::fs::read(&args[0]).unwrap()).unwrap();
    let data = dataset::open(&args[1]).unwrap();
    let n: usize = args[2].parse().unwrap();
    let rows: Vec<_> = data.part(Part::Auxiliary).iter().take(n).cloned().collect();
    match &model.family {
        Family::Mlp(mlp) => {
            for eps in ["0.05", "0.1", "0.2", "0.4"] {
                let text = format!(
                    "property = 'local-invariance'\nepsilon = '{eps}'\ndelta = '0.5'\nlabel='predicted'"
                );
                let spec = Spec::read(text.as_bytes()).unwrap();
                let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
                let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
                let (net, _) = kernel.network().unwrap();
                let (
                    mut c,
                    mut s_p,
                    mut d_p,
                    mut only_d,
                    mut only_s,
                    mut both_b,
                    mut d_better,
                    mut worst,
                ) = (0, 0, 0, 0, 0, 0, 0, f64::NEG_INFINITY);
                for at in 0..rows.len() {
                    let Some(o) = lowered.obligation(at) else { continue };
                    let Some(suff) = &o.sufficient else { continue };
                    let Some((label, _)) = suff.label() else { continue };
                    let Some(region) = o.region.standardised(&model.schema) else { continue };
                    let hidden = net.linear_bounds(region.sides()).unwrap();
                    let hints: Option<Vec<Hint>> = competitors(label, model.classes)
                        .map(|k| {
                            lp::solve(
                                mlp,
                                &hidden,
                                region.sides(),
                                &margin_row(label, k, model.classes),
                            )
                        })
                        .collect();
                    let Some(hints) = hints else { continue };
                    let slopes = Proof::Linear {
                        hints: hints
                            .iter()
                            .map(|h| Hint { multipliers: vec![], ..h.clone() })
                            .collect(),
                    };
                    let dual = Proof::Dual {
                        hints: hints.iter().map(|h| Hint { slopes: vec![], ..h.clone() }).collect(),
                    };
                    let (s, d) =
                        (kernel.check(at, &slopes).unwrap(), kernel.check(at, &dual).unwrap());
                    let (s, d) = (reached(&s), reached(&d));
                    c += 1;
                    s_p += (s == f64::INFINITY) as usize;
                    d_p += (d == f64::INFINITY) as usize;
                    only_d += (d == f64::INFINITY && s < d) as usize;
                    only_s += (s == f64::INFINITY && d < s) as usize;
                    if s.is_finite() && d.is_finite() {
                        both_b += 1;
                        d_better += (d > s) as usize;
                        if d - s > worst {
                            worst = d - s;
                        }
                    }
                }
                println!(
                    "{} eps {eps}: {c} rows; slopes prove {s_p}, dual {d_p}, only dual {only_d}, only slopes {only_s}; open both {both_b}, dual better in {d_better}, by {worst:e}",
                    args[0]
                );
            }
            if model.classes == 2 {
                for on in ["score", "posterior"] {
                    let (mut n, mut jp, mut dp, mut jo) = (0, 0, 0, 0);
                    for eps in ["0.001", "0.01", "0.1", "0.5", "1", "3"] {
                        for c in [
                            "0.1", "0.5", "1", "2", "5", "10", "14.2", "20", "50", "100", "300",
                            "1000", "10000",
                        ] {
                            for integers in ["respect", "relax"] {
                                let text = format!(
                                    "property = 'small-neighborhood'\nepsilon = '{eps}'\nconstant = '{c}'\non = '{on}'\nintegers='{integers}'"
                                );
                                let spec = Spec::read(text.as_bytes()).unwrap();
                                let Ok(lowered) = Lowered::new(&spec, &model, None, &[]) else {
                                    continue;
                                };
                                let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
                                let (Ok(j), Ok(q)) = (
                                    kernel.check(0, &Proof::Jacobian),
                                    kernel.check(0, &Proof::Difference),
                                ) else {
                                    continue;
                                };
                                let (j, q) = (
                                    matches!(j, Verdict::Proved(_)),
                                    matches!(q, Verdict::Proved(_)),
                                );
                                n += 1;
                                jp += j as usize;
                                dp += q as usize;
                                jo += (j && !q) as usize;
                            }
                        }
                    }
                    println!(
                        "{} near {on}: {n} claims, jacobian {jp}, difference {dp}, jacobian alone {jo}",
                        args[0]
                    );
                }
            }
        }
        Family::Ensemble(_) => {
            let (mut n, mut f, mut t, mut fo, mut rej) = (0, 0, 0, 0, 0);
            for zone in ["axis", "ball"] {
                for radius in ["0", "0.05", "0.3"] {
                    for shift in ["0.01", "0.1", "0.5"] {
                        for eps in ["0.001", "0.1", "1", "5"] {
                            for scope in ["domain", "local"] {
                                let text = format!(
                                    "property = 'boundary-fuzz'\nshift = '{shift}'\nepsilon = '{eps}'\nradius = '{radius}'\nzone = '{zone}'\nscope = '{scope}'"
                                );
                                let spec = match Spec::read(text.as_bytes()) {
                                    Ok(s) => s,
                                    Err(e) => {
                                        eprintln!("{e}");
                                        continue;
                                    }
                                };
                                let Ok(lowered) = Lowered::new(&spec, &model, None, &rows) else {
                                    rej += 1;
                                    continue;
                                };
                                let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
                                for at in 0..lowered.len() {
                                    let is = |p: &Proof| {
                                        matches!(kernel.check(at, p), Ok(Verdict::Proved(_)))
                                    };
                                    let (a, b) = (
                                        is(&Proof::Fuzz),
                                        is(&Proof::TreePairs { trees: BTreeMap::new() }),
                                    );
                                    n += 1;
                                    f += a as usize;
                                    t += b as usize;
                                    fo += (a && !b) as usize;
                                }
                            }
                        }
                    }
                }
            }
            println!(
                "{}: {n} claims ({rej} refused) fuzz {f}, tree-pairs bare {t}, fuzz alone {fo}",
                args[0]
            );
        }
    }
}
