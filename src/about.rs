//! What a hunt's file says of it beside the query: data only.
//!
//! The fields are those of Sentinel's rules, of which other files fill a few:
//! <https://learn.microsoft.com/en-us/azure/sentinel/sentinel-analytic-rules-creation>.

/// What is known of a hunt beside its text. The default is that nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name, on one line.
    pub name: Option<String>,
    /// Its id, as the source writes it.
    pub id: Option<String>,
    /// What it is for, in one line or more.
    pub description: Option<String>,
    /// How bad it is if the hunt finds something.
    pub severity: Option<AlertSeverity>,
    /// The tactics of ATT&CK, as the source writes them: `InitialAccess`, `Initial Access`.
    pub tactics: Vec<String>,
    /// The techniques of ATT&CK: `T1059`, `T1059.001`.
    pub techniques: Vec<String>,
    /// The pages that the source refers to.
    pub references: Vec<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// The day it was made: `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The day it was last changed: `YYYY-MM-DD`.
    pub modified: Option<String>,
    /// What it finds though nothing is wrong, one text for each case.
    pub false_positives: Vec<String>,
    /// How often it is run, in ticks of 100 ns.
    pub query_frequency: Option<i64>,
    /// Over how long a time before each run it looks, in ticks of 100 ns.
    pub query_period: Option<i64>,
}

/// How bad it is if a hunt finds something. `Critical` is not Sentinel's, but stands in files all the same:
/// <https://learn.microsoft.com/en-us/rest/api/securityinsights/alert-rules/create-or-update#alertseverity>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSeverity {
    /// Nothing is to be done.
    Informational,
    /// It is to be looked at with others.
    Low,
    /// It is to be looked at.
    Medium,
    /// It is to be looked at soon.
    High,
    /// It is to be looked at now.
    Critical,
}
