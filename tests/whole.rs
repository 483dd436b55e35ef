//! The whole way: train, certify, check, steal.

use propcert::spec::Spec;
use propcert::steal::{AttackName, AttackSpec, Generator};
use propcert::train::Recipe;
use propcert::{certify, check, dataset, steal};

#[test]
fn the_whole_way() -> Result<(), Box<dyn std::error::Error>> {
    let data = dataset::open("spambase")?;
    let model = Recipe::monotone_trees().train(&data, 0)?;
    let spec = Spec::read(
        b"property = 'monotonicity'\nfeatures = ['char_freq_dollar']\ndirection = 'increasing'",
    )?;
    let certificate = certify(&model, &spec, &data)?;
    println!("{}", certificate.written.tally.all);

    // anybody with the model, the spec and the data can decide it again
    let decision = check(&certificate.text, &model, &spec, &data)?;
    assert!(decision.checked.is_as_stated());

    // a thief walks along the proved order, where labels follow without a query
    let generator = Generator::Along { radius: 2.0 };
    let attack = AttackSpec { generator, ..AttackSpec::new(AttackName::MaskedThief) };
    let theft = steal(&model, &data, &attack, &decision.proved, 0)?;
    println!("{theft}");
    assert!(theft.figures.inferred > 0 && theft.figures.wrong == 0);
    Ok(())
}
