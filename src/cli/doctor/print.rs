//! The answer: a line a finding, with why and how to mend it below what is wrong.

use serde::Serialize;

use super::finding::{Finding, Mark};
use super::{Answer, Group};
use crate::cli::context::Context;
use crate::ui::figures::count;
use crate::ui::safe::safe;
use crate::ui::{BOLD, CYAN, Format};

/// `git claudedo doctor --json`.
#[derive(Debug, Serialize)]
struct DoctorJson<'a> {
    problems: usize,
    warnings: usize,
    findings: Vec<FindingJson<'a>>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct FindingJson<'a> {
    check: &'static str,
    group: Group,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// Prints all that was found.
pub(super) fn print(answers: &[Answer], context: &Context) {
    let marked = |mark: Mark| {
        answers.iter().flat_map(|answer| &answer.findings).filter(|finding| finding.mark == mark).count()
    };
    let (problems, warnings) = (marked(Mark::Problem), marked(Mark::Warning));
    match context.ui.format() {
        Format::Json => context.ui.json(&DoctorJson { problems, warnings, findings: findings(answers) }),
        Format::Text => print_text(answers, context),
    }
    context.ui.status(format_args!("{}", summary(problems, warnings)));
}

fn findings(answers: &[Answer]) -> Vec<FindingJson<'_>> {
    let mut all = Vec::new();
    for Answer { check, findings } in answers {
        let of = |finding| FindingJson { check: check.name, group: check.group, finding };
        all.extend(findings.iter().map(of));
    }
    all
}

fn print_text(answers: &[Answer], context: &Context) {
    let mut group = None;
    for Answer { check, findings } in answers {
        for finding in findings {
            if group.replace(check.group) != Some(check.group) {
                context.ui.answer(format_args!("{BOLD}{}{BOLD:#}", check.group.heading()));
            }
            print_finding(finding, context);
        }
    }
}

fn print_finding(finding: &Finding, context: &Context) {
    let (style, word) = (finding.mark.style(), finding.mark.word());
    let what = indented(&finding.what);
    context.ui.answer(format_args!("  {style}{word:<7}{style:#}  {what}"));
    if let Some(why) = &finding.why {
        context.ui.answer(format_args!("           {}", indented(why)));
    }
    if let Some(mend) = &finding.mend {
        context.ui.answer(format_args!("           mend: {CYAN}{}{CYAN:#}", indented(mend)));
    }
}

/// Puts every further line below the first one.
fn indented(text: &str) -> String {
    safe(text).trim_end().replace('\n', "\n           ")
}

fn summary(problems: usize, warnings: usize) -> String {
    match (problems, warnings) {
        (0, 0) => "Nothing is wrong.".to_owned(),
        (0, _) => format!("No problem, {}.", count(warnings, "warning")),
        (_, 0) => format!("{}.", count(problems, "problem")),
        (_, _) => format!("{}, {}.", count(problems, "problem"), count(warnings, "warning")),
    }
}
