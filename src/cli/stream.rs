//! Hunts in, results out: in parallel, in a stable order, in bounded memory.
//!
//! Files are read in chunks that are bounded in number and size; the hunts of a chunk are worked on in parallel, and
//! their results handed over in order before the next chunk is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rayon::prelude::*;

use super::guard::guarded;
use super::output::Output;
use crate::Gate;
use crate::diagnostic::{Code, Diagnostic};
use crate::intake::{self, Document, Hunt, Input, Source};
use crate::report::Page;
use crate::source::Span;

/// Stack of a working thread: generous, for parsers recurse.
const STACK_BYTES: usize = 16 * 1024 * 1024;
/// Files of a chunk.
const CHUNK_FILES: usize = 256;
/// Bytes of a chunk, unless one file is larger.
const CHUNK_BYTES: u64 = 32 * 1024 * 1024;
/// Hunts whose results are held at a time.
const CHUNK_HUNTS: usize = 512;

/// A hunt to work on, or a file that could not be read.
pub(super) struct Unit {
    /// The file.
    pub(super) page: Arc<Page>,
    /// Where the hunt, or the fault, is.
    pub(super) source: Source,
    /// The hunt; `None` where the file holds none.
    pub(super) hunt: Option<Hunt>,
    /// What is to be said of the file itself, with places in the file.
    pub(super) about_file: Vec<Diagnostic>,
    /// The path by which outputs mirror the file.
    pub(super) relative: Arc<PathBuf>,
    /// Whether the file holds several hunts.
    pub(super) several: bool,
    /// Whether the run has no other hunt.
    pub(super) alone: bool,
}

/// Works on every hunt of the paths (`None`: of standard input), and hands each result to `sink` in order.
///
/// Returns how many hunts there were.
pub(super) fn each<T: Send>(
    gate: &Gate,
    paths: Option<&[PathBuf]>,
    exclude: Option<&Path>,
    output: &mut Output,
    work: impl Fn(&Unit) -> T + Sync,
    mut sink: impl FnMut(&Output, Unit, T) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK_BYTES)
        .thread_name(|number| format!("hunt-{number}"))
        .build()
        .context("no threads could be started")?;
    let mut count = 0;
    let Some(paths) = paths else {
        let document = intake::read_stdin(std::io::stdin().lock());
        let units = pool.install(|| units(gate, document, PathBuf::from("stdin")));
        return finish(&pool, units, true, output, &work, &mut sink);
    };
    let inputs = intake::gather(paths, exclude);
    output.expect(inputs.len());
    let mut rest = inputs.as_slice();
    while !rest.is_empty() {
        let (chunk, others) = rest.split_at(chunk_len(rest));
        let only = chunk.len() == inputs.len();
        rest = others;
        let documents: Vec<Vec<Unit>> =
            pool.install(|| chunk.par_iter().map(|input| units(gate, read(input), input.relative.clone())).collect());
        let units: Vec<Unit> = documents.into_iter().flatten().collect();
        count += finish(&pool, units, only, output, &work, &mut sink)?;
        output.advance(chunk.len());
    }
    output.finish();
    if count == 0 {
        output.remarks("warning: no hunts were found\n");
    }
    Ok(count)
}

/// How many of the inputs make the next chunk: at least one.
fn chunk_len(inputs: &[Input]) -> usize {
    let mut bytes = 0u64;
    let fits = |input: &&Input| {
        bytes = bytes.saturating_add(input.size);
        bytes <= CHUNK_BYTES
    };
    inputs.iter().take(CHUNK_FILES).take_while(fits).count().max(1)
}

/// Works on the units and hands over the results.
fn finish<T: Send>(
    pool: &rayon::ThreadPool,
    mut units: Vec<Unit>,
    only: bool,
    output: &Output,
    work: &(impl Fn(&Unit) -> T + Sync),
    sink: &mut impl FnMut(&Output, Unit, T) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    if let ([unit], true) = (units.as_mut_slice(), only) {
        unit.alone = true;
    }
    let count = units.len();
    while !units.is_empty() {
        let rest = units.split_off(units.len().min(CHUNK_HUNTS));
        let results: Vec<T> = pool.install(|| units.par_iter().map(work).collect());
        for (unit, result) in units.into_iter().zip(results) {
            sink(output, unit, result)?;
        }
        units = rest;
    }
    Ok(count)
}

fn read(input: &Input) -> Document {
    guarded(|| intake::read_input(input))
        .unwrap_or_else(|fault| Document::failed(input.shown.clone(), fault_of(Span::default(), &fault)))
}

/// The hunts of a document, or the document itself where it has none and something is to be said of it.
fn units(gate: &Gate, mut document: Document, relative: PathBuf) -> Vec<Unit> {
    if let Err(fault) = guarded(|| document.divide(|text| gate.split(text))) {
        document.diagnostics.push(fault_of(Span::default(), &fault));
    }
    let Document { path, text, hunts, mut diagnostics } = document;
    let page = Arc::new(Page::new(path.clone(), text));
    let relative = Arc::new(relative);
    let several = hunts.len() > 1;
    let unit = |source: Source, hunt: Option<Hunt>, about_file: Vec<Diagnostic>| Unit {
        page: page.clone(),
        source,
        hunt,
        about_file,
        relative: relative.clone(),
        several,
        alone: false,
    };
    if hunts.is_empty() && !diagnostics.is_empty() {
        return vec![unit(Source { path, index: 0, name: None, id: None }, None, diagnostics)];
    }
    // What is to be said of the file is said once, with its first hunt.
    hunts.into_iter().map(|hunt| unit(hunt.source.clone(), Some(hunt), std::mem::take(&mut diagnostics))).collect()
}

/// A fault of huntgate.
pub(super) fn fault_of(span: Span, fault: &str) -> Diagnostic {
    Diagnostic::error(Code::Fault, span, format!("huntgate failed: {fault}")).help("report the hunt; the run goes on")
}
