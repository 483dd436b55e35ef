//! The one protocol of a certification run: header, a line for each obligation, totals. Whoever certifies
//! comes through here, so that all certificates are alike, and what was interrupted goes on alike.

use std::path::Path;

use rayon::prelude::*;

use crate::certificate::{
    Arithmetic, Assembler, Bounds, Budget, Counter, Entry, Header, Kernel, Line, Proof, Subject,
    Tally, Verdict,
};
use crate::model::{DataSet, Family, Model, Part, Row};
use crate::spec::{Aim, Lowered, Spec};
use crate::store::{Log, Retention};
use crate::text::Share;

use super::{Answer, CertifyError, Options, Searcher};

/// The rows that a claim about rows is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The part.
    pub part: Part,
    /// Its first rows; `None`: all.
    pub rows: Option<usize>,
}

/// A claim to be certified: model, spec, data and defense with their digests, the rows that it is about, and
/// the effort of the search.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The model, spec, data and defense.
    pub subject: Subject<'a>,
    /// The rows; of no meaning to a claim that is not about rows.
    pub selection: Selection,
    /// Effort of the search.
    pub options: Options,
}

/// Certifies a property of a model on the rows that it is meant for, with the usual effort. For fewer rows, another
/// budget, a defended model or a file there is [`Task`].
///
/// # Errors
/// A spec that says nothing about the model, or data that does not fit it.
pub fn certify(model: &Model, spec: &Spec, data: &DataSet) -> Result<Certificate, CertifyError> {
    Task::new(Subject::new(model, spec, data)).certify(&mut |_, _| {})
}

/// Called after each obligation, in order.
pub type Watch<'w> = &'w mut dyn FnMut(usize, &Answer);

/// The outcome of a run, beside its lines.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Obligations by verdict and by rule.
    pub tally: Tally,
    /// Obligations that the attack alone refuted. If every pair of rows is decided, the refuted pairs.
    pub refuted_by_attack: u64,
    /// True if `refuted_by_attack` says something: an attack was made, on points that could be moved.
    pub is_attacked: bool,
    /// Obligations left undecided because their budget of nodes was used up.
    pub spent: u64,
    /// Undecided obligations whose proof needed more memory than allowed.
    pub full: u64,
}

impl Written {
    /// The share of obligations that the attack alone did not refute: the sampled figure. `None` where no
    /// attack was made.
    pub fn survives_attack(&self) -> Option<Share> {
        let n = self.tally.all.n();
        self.is_attacked.then(|| Share::new(n - self.refuted_by_attack.min(n), n))
    }
}

/// A certificate in memory.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The file's text.
    pub text: String,
    /// The outcome of the run.
    pub written: Written,
}

impl<'a> Task<'a> {
    /// The claim about all rows of the part that the property is meant for, with the usual effort.
    pub fn new(subject: Subject<'a>) -> Self {
        let part = subject.spec.property.default_part();
        Self { subject, selection: Selection { part, rows: None }, options: Options::default() }
    }

    /// The rows that the claim is about; none for claims without rows.
    ///
    /// # Errors
    /// Data whose features are not the model's, none where rows are needed, or fewer rows than asked for.
    pub fn rows(&self) -> Result<&'a [Row], CertifyError> {
        let Self { subject, selection, .. } = self;
        let property = &subject.spec.property;
        // an attack uses rows whatever the claim is about
        if let Some(data) = subject.data {
            data.check_features(&subject.model.0.schema)?;
        }
        if !property.is_about_rows() {
            return Ok(&[]);
        }
        let data = subject.data.ok_or(CertifyError::NoData(property.name()))?;
        let rows = data.part(selection.part);
        let asked = selection.rows.unwrap_or(rows.len());
        let (part, found) = (selection.part, property.count_of(rows));
        let what = if found < rows.len() { "distinct rows" } else { "rows" };
        let refusal = CertifyError::Rows { asked, found, what, part };
        property.first_rows(rows, selection.rows).ok_or(refusal)
    }

    /// The obligations about some rows.
    ///
    /// # Errors
    /// A spec that says nothing about this model.
    pub fn lowered(&self, rows: &'a [Row]) -> Result<Lowered<'a>, CertifyError> {
        let Subject { model, spec, defense, .. } = self.subject;
        Ok(Lowered::new(spec, model.0, defense.map(|(defense, _)| defense), rows)?)
    }

    /// The first line of the certificate.
    pub fn header(&self, lowered: &Lowered, rows: &[Row]) -> Header {
        let Self { subject, selection, options } = self;
        let is_about_rows = subject.spec.property.is_about_rows();
        Header {
            schema: "certificate/1".to_owned(),
            tool: concat!("propcert ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: subject.model.1,
            spec: subject.spec.digest,
            data: subject.data.filter(|_| is_about_rows).map(|data| data.digest()),
            part: is_about_rows.then_some(selection.part),
            every: subject
                .data
                .map(|data| data.step(selection.part).get())
                .filter(|step| is_about_rows && *step > 1),
            rows: is_about_rows.then(|| subject.spec.property.count_of(rows)),
            semantics: lowered.semantics(),
            integers: subject.spec.integers,
            budget: Budget { nodes: options.budget_nodes, seed: options.seed },
            defense: subject.defense.map(|(_, digest)| digest),
        }
    }

    /// Certifies the claim in memory.
    pub fn certify(&self, watch: Watch) -> Result<Certificate, CertifyError> {
        let rows = self.rows()?;
        let lowered = self.lowered(rows)?;
        let mut text = self.header(&lowered, rows).line();
        let searcher = Searcher::new(self.subject, &lowered, rows, self.options);
        let written = searcher.write(Before::new(&lowered, rows), watch, &mut |line| {
            text.push_str(line);
            Ok(())
        })?;
        Ok(Certificate { text, written })
    }

    /// Prepares the search, and gives what is made of it: figures beside the certificate.
    pub fn prepare<T>(&self, make: impl FnOnce(&Searcher) -> T) -> Result<T, CertifyError> {
        let rows = self.rows()?;
        let lowered = self.lowered(rows)?;
        Ok(make(&Searcher::new(self.subject, &lowered, rows, self.options)))
    }

    /// The answer of [`Searcher::is_premise_met`] for the first obligation; nothing is prepared for claims that
    /// have no premise.
    pub fn is_premise_met(&self) -> Result<Option<bool>, CertifyError> {
        match self.lowered(self.rows()?)?.aim() {
            Some(Aim::Stays(_)) => self.prepare(|searcher| searcher.is_premise_met(0)),
            Some(Aim::Close { .. } | Aim::Lipschitz { .. } | Aim::Order { .. }) => Ok(None),
            Some(Aim::Flip { .. }) | None => Ok(None),
        }
    }

    /// The certificate of proofs that were found already, one for each obligation; the kernel decides each.
    pub fn state(&self, proofs: &[Proof]) -> Result<Certificate, CertifyError> {
        let rows = self.rows()?;
        let lowered = self.lowered(rows)?;
        let mut text = self.header(&lowered, rows).line();
        let kernel = Kernel::new(self.subject.model.0, &lowered, Arithmetic::Rounded);
        let mut counter = Counter::new(&lowered, rows);
        for (at, proof) in proofs.iter().enumerate() {
            let verdict = kernel.check(at, proof).unwrap_or(Verdict::Undecided(Bounds::NONE));
            counter.add(at, &verdict);
            text.push_str(&Line { at, proof: proof.clone() }.line());
        }
        let written = Written { tally: counter.into_tally(), ..Written::default() };
        text.push_str(&written.tally.all.line());
        Ok(Certificate { text, written })
    }

    /// Certifies the claim into the file `out`, by way of `OUT.partial`. With `is_resumed` a run that was
    /// interrupted goes on; the file and the outcome are those of a run in one piece. `tell` hears of the
    /// obligations done already, and then of each.
    ///
    /// # Errors
    /// A log of another run, besides those of certifying.
    pub fn certify_to(
        &self,
        out: &Path,
        is_resumed: bool,
        tell: &mut dyn FnMut(Advance),
    ) -> Result<Written, CertifyError> {
        let rows = self.rows()?;
        let lowered = self.lowered(rows)?;
        let searcher = Searcher::new(self.subject, &lowered, rows, self.options);
        let mut before = Before::new(&lowered, rows);
        let header = self.header(&lowered, rows).line();
        let log = Log::open(out, header.trim_end(), is_resumed, &mut |line| {
            before.take(line, &searcher.kernel)
        })?;
        let all = searcher.len();
        tell(Advance { done: before.lines, all });
        let watch = &mut |at, _: &Answer| tell(Advance { done: at + 1, all });
        let written = searcher.write(before, watch, &mut |line| Ok(log.add(line)?))?;
        log.publish(out)?;
        Ok(written)
    }
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Obligations done.
    pub done: usize,
    /// All obligations.
    pub all: usize,
}

/// The part of a run that is there already.
pub(super) struct Before<'a> {
    counter: Counter<'a>,
    assembler: Assembler,
    /// Number of whole lines about obligations.
    lines: usize,
    /// Obligations that these lines refute.
    refuted: Vec<usize>,
}

impl<'a> Before<'a> {
    fn new(lowered: &'a Lowered<'a>, rows: &'a [Row]) -> Self {
        let counter = Counter::new(lowered, rows);
        Self { counter, assembler: Assembler::default(), lines: 0, refuted: Vec::new() }
    }

    /// Decides the next line of an earlier run again. What is damaged, out of order, or not what the kernel
    /// says is dropped.
    fn take(&mut self, line: &[u8], kernel: &Kernel) -> Retention {
        let entry = Entry::parse(line).and_then(|entry| self.assembler.take(entry));
        let (at, proof) = match entry {
            Ok(Some(Entry::Line(Line { at, proof }))) if at == self.lines => (at, proof),
            Ok(None) => return Retention::Pending,
            Ok(Some(_)) | Err(_) => return Retention::Dropped,
        };
        let Ok(verdict) = kernel.check(at, &proof) else { return Retention::Dropped };
        let is_open = matches!(verdict, Verdict::Undecided(_) | Verdict::Invalid);
        if is_open && proof != Proof::None {
            return Retention::Dropped;
        }
        if matches!(verdict, Verdict::Refuted(_)) {
            self.refuted.push(at);
        }
        self.counter.add(at, &verdict);
        self.lines += 1;
        Retention::Kept
    }
}

impl Searcher<'_> {
    /// Writes the lines that are missing, in order, and the totals; the lines do not depend on the number of
    /// threads.
    fn write(
        &self,
        before: Before,
        watch: Watch,
        sink: &mut dyn FnMut(&str) -> Result<(), CertifyError>,
    ) -> Result<Written, CertifyError> {
        let Before { mut counter, lines, refuted, .. } = before;
        let (mut spent, mut full) = (0, 0);
        let summary = self.run(lines, |line, answer| {
            let is_open = matches!(answer.verdict, Verdict::Undecided(_));
            spent += u64::from(answer.is_spent && is_open);
            full += u64::from(answer.is_full && is_open);
            counter.add(line.at, &answer.verdict);
            sink(&line.line())?;
            watch(line.at, answer);
            Ok(())
        })?;
        let tally = counter.into_tally();
        sink(&tally.all.line())?;
        // the figure is the same as that of a run in one piece
        let again = refuted.par_iter().filter(|at| self.is_refuted_by_attack(**at)).count() as u64;
        let refuted_by_attack = summary.refuted_by_attack + again;
        Ok(Written { tally, refuted_by_attack, is_attacked: self.is_attacked(), spent, full })
    }

    /// True if obligations are attacked. None is where every pair of rows is decided; the change between two
    /// points is attacked only where there is a gradient to climb, or a defense whose answers may jump.
    fn is_attacked(&self) -> bool {
        let is_network = matches!(self.subject.model.0.family, Family::Mlp(_));
        let is_change = self.lowered.aim().is_some_and(Aim::is_change);
        let is_defended = self.subject.defense.is_some();
        self.lowered.pair_bound().is_none() && (is_network || is_defended || !is_change)
    }
}
