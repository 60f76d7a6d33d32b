//! Listing many people at once, from the lines of a file: part by part, and no part knows more than
//! its own lines and which addresses came before.
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    Employee, NewEmployee,
    enrolment::account_of,
    workforce::{Workforce, manager},
};
use crate::{
    TenancyTx,
    audit::Action,
    company::EmailDomain,
    email::Email,
    error::{FieldError, TenancyError},
    idempotency::{Answer, Held, RequestDigest},
    ids::{CompanyId, UserId},
    scope::{Caller, Scope},
    store::StoreError,
};

/// The most lines of a file that list somebody.
pub const MOST_LINES: usize = 10_000;
/// How many lines are handled in one unit of work.
pub const LINES_TOGETHER: usize = 500;
/// The most refusals of a line that a report names: one a column. So it names at least one of each line
/// that fails, and is bounded by the lines.
pub const MOST_ERRORS_OF_A_LINE: usize = 5;

/// One line of the file: whom it lists, or why it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLine {
    /// Where it begins in the file, from 1.
    pub line: u32,
    /// What it says; texts as typed.
    pub person: Result<NewEmployee, FieldError>,
}

/// Why a line lists nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Where the line begins in the file, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub error: FieldError,
}

/// What came of the lines so far. Nothing in it tells who has an account and uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Lines whose people are listed and invited now.
    pub created: u32,
    /// Lines whose people the company listed before.
    pub skipped: u32,
    /// Lines that list nobody.
    pub failed: u32,
    /// Why, by line: up to [`MOST_ERRORS_OF_A_LINE`] reasons for each that failed.
    pub errors: Vec<LineError>,
}

/// An import under way: a rehearsal writes nothing and comes to the same report.
#[derive(Debug)]
pub struct Import {
    rehearses: bool,
    report: ImportReport,
    /// The addresses of the lines so far: each counts where it comes first.
    seen: HashSet<Email>,
}

/// What a client is told of an import that is over.
pub type Present<'a> = dyn Fn(&ImportReport) -> Result<Answer, StoreError> + 'a;

/// The lines of one part that can be read, by address: each entry with its line.
type Wanted = BTreeMap<Email, (u32, Employee)>;

/// What one part came to.
#[derive(Default)]
struct Part {
    created: u32,
    skipped: u32,
    /// Lines that failed, each with its reasons.
    failed: BTreeMap<u32, Vec<FieldError>>,
}

impl Import {
    /// One that begins.
    pub fn new(rehearses: bool) -> Self {
        Self { rehearses, report: ImportReport::default(), seen: HashSet::new() }
    }

    /// What it came to.
    pub fn into_report(self) -> ImportReport {
        self.report
    }
}

impl ImportReport {
    fn add(&mut self, part: Part) {
        self.created += part.created;
        self.skipped += part.skipped;
        for (line, errors) in part.failed {
            self.failed += 1;
            let told = errors.into_iter().take(MOST_ERRORS_OF_A_LINE);
            self.errors.extend(told.map(|error| LineError { line, error }));
        }
    }
}

impl Part {
    fn fail(&mut self, line: u32, error: FieldError) {
        self.failed.entry(line).or_default().push(error);
    }
}

impl Workforce {
    /// Lists and invites the people of these lines, up to [`LINES_TOGETHER`] of them in one unit of
    /// work; a line that cannot be taken does not stop the others. People whom the company lists
    /// already are left as they are, so that a file may come again, also after a cut.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`: then these lines list nobody.
    pub fn import(&self, caller: &Caller, import: &mut Import, lines: Vec<ImportedLine>) -> Result<(), TenancyError> {
        self.import_part(caller, import, lines, None).map(drop)
    }

    /// The same for a client that may send the request again: each part says in its unit of work that
    /// the request goes on, and the last one, which `end` comes with, keeps what it says is answered.
    ///
    /// # Errors
    /// The same; `RequestInProgress` when somebody else took the request over.
    pub fn import_once(
        &self,
        caller: &Caller,
        import: &mut Import,
        lines: Vec<ImportedLine>,
        held: &Held,
        end: Option<(&RequestDigest, &Present)>,
    ) -> Result<Option<Answer>, TenancyError> {
        self.import_part(caller, import, lines, Some((held, end)))
    }

    fn import_part(
        &self,
        caller: &Caller,
        import: &mut Import,
        lines: Vec<ImportedLine>,
        request: Option<(&Held, Option<(&RequestDigest, &Present)>)>,
    ) -> Result<Option<Answer>, TenancyError> {
        let company = manager(caller)?;
        let scope = caller.scope();
        let mut part = Part::default();
        let mut wanted = Wanted::new();
        for ImportedLine { line, person } in lines {
            let read = person.map_err(|error| TenancyError::Invalid(vec![error]));
            match read.and_then(|person| self.accept(company, &person)) {
                Ok((email, entry)) if import.seen.insert(email.clone()) => {
                    wanted.insert(email, (line, entry));
                }
                Ok(_) => part.fail(line, FieldError::new("email", "repeated_email")),
                Err(TenancyError::Invalid(errors)) => errors.into_iter().for_each(|error| part.fail(line, error)),
                Err(other) => return Err(other),
            }
        }
        if wanted.is_empty() && request.is_none() {
            import.report.add(part);
            return Ok(None);
        }
        let (now, rehearses, mut report) = (self.clock.now(), import.rehearses, import.report.clone());
        let answer = self.store.run(&scope, |tx| {
            if !wanted.is_empty() {
                self.enrol(tx, (&scope, company), wanted, rehearses, &mut part)?;
            }
            report.add(part);
            let Some((held, end)) = request else { return Ok(None) };
            let Some((asked, present)) = end else { return held.go_on(tx, now).map(|()| None) };
            let answer = present(&report)?;
            held.settle(tx, asked, &answer)?;
            Ok(Some(answer))
        })?;
        import.report = report;
        Ok(answer)
    }

    /// Enrols everybody who can be: a handful of statements, however many lines there are.
    fn enrol(
        &self,
        tx: &mut dyn TenancyTx,
        (scope, company): (&Scope, CompanyId),
        mut wanted: Wanted,
        rehearses: bool,
        part: &mut Part,
    ) -> Result<(), TenancyError> {
        skip_listed(tx, company, &mut wanted, part)?;
        let domains = tx.company(company)?.ok_or(TenancyError::NotFound)?.email_domains;
        wanted.retain(|email, (line, _)| {
            let allowed = domains.iter().any(|domain: &EmailDomain| domain.as_str() == email.domain());
            if !allowed {
                part.fail(*line, FieldError::new("email", "domain_not_allowed"));
            }
            allowed
        });
        let emails: Vec<Email> = wanted.keys().cloned().collect();
        let mut taken: BTreeSet<Email> = tx.work_addresses(&emails)?.into_iter().collect();
        if rehearses {
            taken.extend(tx.taken_emails(&emails)?);
        }
        let free = wanted.iter().filter(|(email, _)| !taken.contains(email)).map(|(_, (_, entry))| entry);
        let added: BTreeSet<UserId> = if rehearses {
            free.map(|entry| entry.user).collect()
        } else {
            self.inviter.add_and_invite_all(tx, scope, free.map(account_of).collect())?
        };
        let mut entries = Vec::new();
        wanted.retain(|_, (_, entry)| {
            let is_added = added.contains(&entry.user);
            if is_added {
                entries.push(entry.clone());
            }
            !is_added
        });
        part.created = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        if !rehearses && !entries.is_empty() {
            tx.add_employees(&entries)?;
            let trail: Vec<_> =
                entries.iter().map(|entry| self.entry(scope, entry.created_at, Action::Create, entry)).collect();
            tx.record_all(&trail)?;
        }
        // Somebody else may have listed them since this unit of work looked: at the same file, say.
        skip_listed(tx, company, &mut wanted, part)?;
        for (line, _) in wanted.into_values() {
            part.fail(line, FieldError::new("email", "email_taken"));
        }
        Ok(())
    }
}

/// Takes those out whom the company lists.
fn skip_listed(
    tx: &mut dyn TenancyTx,
    company: CompanyId,
    wanted: &mut Wanted,
    part: &mut Part,
) -> Result<(), TenancyError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let emails: Vec<Email> = wanted.keys().cloned().collect();
    for email in tx.listed_emails(company, &emails)? {
        if wanted.remove(&email).is_some() {
            part.skipped += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: FieldError = FieldError::new("email", "invalid_email");

    #[test]
    fn a_report_counts_lines_and_names_a_reason_of_each_that_failed() {
        let mut import = Import::new(false);
        let mut part = Part { created: 2, skipped: 3, ..Part::default() };
        part.fail(7, ERROR);
        part.fail(7, FieldError::new("lastName", "required"));
        import.report.add(part);
        let mut part = Part::default();
        (0..9).for_each(|_| part.fail(8, ERROR));
        (9..=10_000).for_each(|line| part.fail(line, ERROR));
        import.report.add(part);
        let report = import.into_report();
        assert_eq!((report.created, report.skipped, report.failed), (2, 3, 9_994));
        assert_eq!(report.errors.len(), 2 + MOST_ERRORS_OF_A_LINE + 9_992);
        let lines: BTreeSet<u32> = report.errors.iter().map(|one| one.line).collect();
        assert!(lines.into_iter().eq(7..=10_000));
        let first: Vec<(u32, &str)> = report.errors.iter().take(3).map(|one| (one.line, one.error.field)).collect();
        assert_eq!(first, [(7, "email"), (7, "lastName"), (8, "email")]);
    }
}
