//! One check on its way through a file.

use crate::model::LimitError;

use super::format::Entry;
use super::lines::FileLines;
use super::{CheckError, Checked, Decided, Settings};
use crate::certificate::{
    Assembler, Counter, Header, Kernel, Line, Piece, Proof, Rejection, Totals, Verdict,
};

/// The state of one check.
pub(super) struct Session<'a> {
    kernel: &'a Kernel<'a>,
    counter: Counter<'a>,
    header: Header,
    findings: Vec<String>,
    finding_count: u64,
    proved: Vec<usize>,
    settings: Settings,
    /// Multiply-adds that the file may still cost.
    work_left: u64,
    /// Steps of split trees so far.
    steps: usize,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        header: Header,
        kernel: &'a Kernel<'a>,
        counter: Counter<'a>,
        settings: Settings,
    ) -> Self {
        Self {
            kernel,
            counter,
            header,
            findings: Vec::new(),
            finding_count: 0,
            proved: Vec::new(),
            settings,
            work_left: settings.max_work,
            steps: 0,
        }
    }

    /// True if the obligation is decided: only the first ones are; the others are read and taken as stated.
    fn is_decided(&self, at: usize) -> bool {
        self.settings.first.is_none_or(|first| at < first)
    }

    /// Reads every line, up to the totals.
    pub(super) fn run(
        mut self,
        lines: &mut FileLines,
        watch: &mut dyn FnMut(Decided),
    ) -> Result<Checked, CheckError> {
        let total = self.kernel.len();
        let (mut done, mut assembler) = (0, Assembler::default());
        loop {
            let number = lines.number + 1;
            let Some(text) = lines.next()? else {
                let problem = "no totals line: the certificate is incomplete";
                return Err(CheckError::End { line: number, problem });
            };
            let entry =
                Entry::parse(text).map_err(|error| CheckError::Format { line: number, error })?;
            let entry = assembler
                .take(entry)
                .map_err(|error| CheckError::Format { line: number, error })?;
            match entry {
                // a tree that goes over several lines
                None => {}
                Some(Entry::Totals(totals)) if done == total => {
                    self.finish(&totals, number);
                    break;
                }
                Some(Entry::Totals(_)) => {
                    let problem = "totals before the last obligation";
                    return Err(CheckError::End { line: number, problem });
                }
                Some(Entry::Line(line)) if line.at == done && done < total => {
                    self.decide(number, line.at, &line.proof, watch)?;
                    done += 1;
                }
                Some(
                    Entry::Line(Line { at: found, .. }) | Entry::Piece(Piece { at: found, .. }),
                ) => {
                    let expected = done;
                    return Err(CheckError::Order { line: number, found, expected });
                }
            }
        }
        let line = lines.number + 1;
        match lines.next()? {
            None => Ok(self.into_checked()),
            Some(_) => Err(CheckError::End { line, problem: "something follows the totals" }),
        }
    }

    fn decide(
        &mut self,
        line: u64,
        at: usize,
        proof: &Proof,
        watch: &mut dyn FnMut(Decided),
    ) -> Result<(), CheckError> {
        let rejected = |rejection| CheckError::Rejected { line, at, rejection };
        if !self.is_decided(at) {
            return Ok(());
        }
        self.steps = self.steps.saturating_add(proof.steps());
        let (found, limit) = (self.steps as u64, self.settings.limits.steps as u64);
        if found > limit {
            let limit = LimitError { what: "steps of split trees", found, limit };
            return Err(CheckError::Limit { line, limit });
        }
        let limit = self.settings.max_work;
        let left = self.work_left.checked_sub(self.kernel.work(proof));
        self.work_left = left.ok_or_else(|| rejected(Rejection::Work { limit }))?;
        let verdict = self.kernel.check(at, proof).map_err(rejected)?;
        match (&verdict, proof) {
            (Verdict::Proved(_), _) => self.proved.push(at),
            (Verdict::Undecided(_), Proof::None) | (Verdict::Refuted(_) | Verdict::Invalid, _) => {}
            (Verdict::Counted(_), _) => {}
            (Verdict::Undecided(bounds), _) => {
                let rule = proof.rule();
                // + 0.0 turns −0 into 0
                let (reached, required) = (bounds.reached + 0.0, bounds.required + 0.0);
                self.find(format!(
                    "line {line}, obligation {at}: rule `{rule}` does not hold: it reaches {reached}, \
                     {required} must be exceeded"
                ));
            }
        }
        self.counter.add(at, &verdict);
        let (row, header) = (self.kernel.row_of(at), &self.header);
        watch(Decided { at, row, header, proof, verdict: &verdict });
        Ok(())
    }

    fn finish(&mut self, stated: &Totals, line: u64) {
        let found = self.counter.tally().all;
        if self.settings.first.is_some_and(|first| first < self.kernel.len()) {
            return;
        }
        if found != *stated {
            self.find(format!("line {line}: the totals are `{found}`, the file states `{stated}`"));
        }
    }

    fn find(&mut self, finding: String) {
        self.finding_count += 1;
        if self.findings.len() < 20 {
            self.findings.push(finding);
        }
    }

    fn into_checked(self) -> Checked {
        let Self { header, findings, finding_count, proved, .. } = self;
        Checked { header, tally: self.counter.into_tally(), findings, finding_count, proved }
    }
}
