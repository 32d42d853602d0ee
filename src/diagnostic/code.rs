//! The registry of codes. A code is never reused: one that goes out of use stays here, marked so in its text.
//!
//! `HG0xx` reading and syntax, `HG1xx` names and types, `HG2xx` refused, `HG3xx` fidelity, `HG4xx` target data, `HG5xx` rules and
//! their files, `HG9xx` a fault of huntgate itself.
//!
//! It is one table and may be longer than other files: the enum, its texts and the list of all come from it, so that no code
//! can lack an explanation or be given twice. What a code does to a verdict is in `effect.rs`.

/// What `huntgate explain` prints of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One line: what the code says.
    pub title: &'static str,
    /// What is lost or wrong.
    pub what: &'static str,
    /// When it makes a difference.
    pub when: &'static str,
    /// What to do.
    pub todo: &'static str,
    /// Where the rule is documented; empty where it is a rule of huntgate's own.
    pub reference: &'static str,
}

/// Declares the codes: the enum, its texts and the list of all, from one table.
macro_rules! codes {
    ($($name:ident $text:literal { title: $title:literal, what: $what:literal, when: $when:literal, todo: $todo:literal, reference: $reference:literal $(,)? })*) => {
        /// A stable code of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!($text, ": ", $title)] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The text: `HG312`.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What the code means at length.
            pub const fn explanation(self) -> Explanation {
                match self {
                    $(Self::$name => Explanation { title: $title, what: $what, when: $when, todo: $todo, reference: $reference }),*
                }
            }
        }
    };
}

codes! {
    // ---- HG0xx: reading and syntax
    Unreadable "HG001" {
        title: "the file can not be read",
        what: "The operating system refused to open or read the path.",
        when: "The path does not exist, is not a file, or may not be read.",
        todo: "Check the path and its permissions. Other files of the run are not affected.",
        reference: "",
    }
    NotText "HG002" {
        title: "the file is not text",
        what: "The file is not valid UTF-8 (or UTF-16 with a byte order mark), or it holds binary data.",
        when: "A file of another kind lies among the hunts, or a hunt was saved in a legacy encoding.",
        todo: "Save the hunt as UTF-8.",
        reference: "",
    }
    TooLarge "HG003" {
        title: "the input is too large",
        what: "The file or hunt exceeds the size that is read.",
        when: "A file of data or logs lies among the hunts.",
        todo: "Split the file. A hunt may be 4 MiB, a file 64 MiB.",
        reference: "",
    }
    TooDeep "HG004" {
        title: "the hunt is nested too deeply",
        what: "Brackets are nested deeper than is read. Real hunts stay below 20.",
        when: "The text is generated or hostile.",
        todo: "Flatten the expression with let statements.",
        reference: "",
    }
    NoHunt "HG005" {
        title: "the file holds no hunt",
        what: "No query was found in the file.",
        when: "The file is empty, holds only comments, or is Markdown or YAML without a query.",
        todo: "Check that the query stands under `query:` or in a fenced block.",
        reference: "",
    }
    Container "HG006" {
        title: "the file around the hunt is malformed",
        what: "The YAML or Markdown that holds the hunt could not be read.",
        when: "A rule file has a syntax error of its own.",
        todo: "Repair the rule file at the place shown.",
        reference: "",
    }
    Syntax "HG010" {
        title: "the hunt is not KQL",
        what: "The text does not follow KQL's grammar at the place shown.",
        when: "A typing error, a fragment, or another language.",
        todo: "Repair the hunt at the place shown; the message names what could stand there.",
        reference: "https://learn.microsoft.com/kusto/query/",
    }
    Unterminated "HG011" {
        title: "a text or bracket is not closed",
        what: "A quote or bracket is opened and never closed.",
        when: "A quote is missing, or a backslash before the closing quote escapes it.",
        todo: "Close it; write a backslash at the end of a text as `\\\\` or use @\"…\".",
        reference: "https://learn.microsoft.com/kusto/query/scalar-data-types/string",
    }
    BadLiteral "HG012" {
        title: "a literal has no value",
        what: "A number, datetime, timespan or guid is written in a form that has no value.",
        when: "A number is out of range, or a date does not exist.",
        todo: "Correct the literal.",
        reference: "https://learn.microsoft.com/kusto/query/scalar-data-types/",
    }

    // ---- HG1xx: names and types
    UnknownTable "HG101" {
        title: "the table is not known",
        what: "The table is not in huntgate's vocabulary. Its columns are taken on trust and keep their names.",
        when: "Custom tables (`_CL`), saved functions used as tables, new tables.",
        todo: "Describe the table with --fields, or check its name.",
        reference: "",
    }
    UnknownColumn "HG102" {
        title: "the column is not known",
        what: "The table is known, the column is not one of its columns. It is taken on trust and keeps its name.",
        when: "New or renamed columns, typing errors.",
        todo: "Check the name; add the column with --fields.",
        reference: "",
    }
    UnknownFunction "HG103" {
        title: "the function is not known",
        what: "The name is neither a function of KQL that huntgate knows nor a function of the hunt.",
        when: "A function saved in the workspace, or a typing error.",
        todo: "Put the function's body into the hunt as `let name = (…) { … };`.",
        reference: "https://learn.microsoft.com/kusto/query/functions/user-defined-functions",
    }
    Recursion "HG104" {
        title: "a function calls itself",
        what: "KQL does not allow recursion.",
        when: "A let function refers to itself, directly or through another.",
        todo: "Rename the inner reference.",
        reference: "https://learn.microsoft.com/kusto/query/functions/user-defined-functions",
    }
    WrongArguments "HG105" {
        title: "a call does not fit its function",
        what: "The number or kind of arguments is not what the function takes.",
        when: "An argument is missing or one too many.",
        todo: "See the function's documentation.",
        reference: "https://learn.microsoft.com/kusto/query/scalar-functions",
    }
    NotTabular "HG106" {
        title: "rows are needed here",
        what: "A value stands where a table is needed, or a table where a value is needed.",
        when: "A scalar let is used as a source, or a table as an operand.",
        todo: "Use toscalar() to make a value of a table.",
        reference: "",
    }
    UnusedLet "HG107" {
        title: "a let is not used",
        what: "The statement has no influence on the rows and is not part of any translation.",
        when: "Left-overs of editing.",
        todo: "Remove it, or use it.",
        reference: "",
    }
    Ignored "HG108" {
        title: "a part of the hunt has no influence on its rows",
        what: "Options, hints and rendering are read; they do not change which rows come out and are not translated.",
        when: "`set` statements, `hint.*` parameters, `render` properties.",
        todo: "Nothing, unless the presentation matters.",
        reference: "",
    }
    TooLong "HG109" {
        title: "the hunt becomes too long when it is written out",
        what: "Inlining lets and functions makes the hunt larger than is translated.",
        when: "Functions that call each other many times.",
        todo: "Call the function less often, or split the hunt.",
        reference: "",
    }
    TypeMismatch "HG110" {
        title: "types do not fit",
        what: "KQL refuses values of these types together. The constant was taken as one of the column's type; if the hunt runs, the site's column is of another type.",
        when: "A number column is compared with a text, for instance.",
        todo: "Convert explicitly with tostring(), tolong() and the like.",
        reference: "https://learn.microsoft.com/kusto/query/scalar-data-types/",
    }
    SeveralResults "HG111" {
        title: "the hunt gives several results",
        what: "Several expressions give rows. Only the last is translated.",
        when: "Queries separated by semicolons.",
        todo: "Put each query into a file of its own, or separate them by blank lines without semicolons.",
        reference: "https://learn.microsoft.com/kusto/query/batches",
    }
    ConstantCondition "HG112" {
        title: "a condition does not depend on the event",
        what: "The condition has the same value for every row and was replaced by it.",
        when: "`where true`, switches set by a let.",
        todo: "Remove the condition, or check what was meant.",
        reference: "",
    }

    // ---- HG2xx: refused
    RefusedOperator "HG201" {
        title: "the operator can not be said in the target",
        what: "The target language has no counterpart of the operator; leaving it out would change what is selected.",
        when: "Always for this operator and target.",
        todo: "See the help of the note for the nearest thing that works.",
        reference: "",
    }
    RefusedFunction "HG202" {
        title: "the function can not be said in the target",
        what: "The target language has no counterpart of the function.",
        when: "Always for this function and target.",
        todo: "See the help of the note for the nearest thing that works.",
        reference: "",
    }
    RefusedPredicate "HG203" {
        title: "the condition can not be said in the target",
        what: "The target language can not express this comparison.",
        when: "Comparisons of two columns, computed values, regular expressions beyond the target's dialect.",
        todo: "See the help of the note for the nearest thing that works.",
        reference: "",
    }
    RefusedSource "HG204" {
        title: "the source can not be read by the target",
        what: "The target has no counterpart of where the rows come from.",
        when: "Watchlists, external data, literal tables, search over all tables.",
        todo: "See the help of the note for the nearest thing that works.",
        reference: "",
    }
    NotYet "HG205" {
        title: "huntgate does not translate this yet",
        what: "The target could say it; this version of huntgate does not write it.",
        when: "The documentation lists what each version covers.",
        todo: "Write this part by hand, or use a target that carries it.",
        reference: "",
    }
    RefusedRegex "HG206" {
        title: "the regular expression can not be said in the target's dialect",
        what: "The target's regular expressions lack something that this one uses.",
        when: "Lazy quantifiers, word boundaries and Unicode classes in Lucene; inline flags in Sigma.",
        todo: "Write the expression without it.",
        reference: "https://learn.microsoft.com/kusto/query/regex",
    }
    SplName "HG220" {
        title: "a name can not be written in SPL",
        what: "The name holds a character that ends a name, stands for other names or is filled in by one of SPL's commands: `*`, quotes, braces, brackets, bars and the like. No escape is documented that all commands know.",
        when: "A column, table or field whose name holds such a character.",
        todo: "Give the column another name, or name its field with --fields.",
        reference: "https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/quick-reference/splunk-quick-reference-guide",
    }
    EsqlName "HG230" {
        title: "a name can not be written in ES|QL",
        what: "The name holds a line end or another control character, or `*`, which stands for other names in `KEEP` and `DROP`; or an index name holds what separates or excludes indices.",
        when: "A column or table whose name holds such a character.",
        todo: "Give the column another name, or name its field or the table's index with --fields.",
        reference: "https://www.elastic.co/docs/reference/query-languages/esql/esql-syntax",
    }
    EsqlCombine "HG231" {
        title: "the pipelines can not be brought together in ES|QL",
        what: "ES|QL puts the rows of queries one after the other (`FROM (…), (…)`), tells each row what its group holds (`INLINE STATS`) and compares with the rows of a query (`IN (FROM …)`). A join is made of these. They can not stand everywhere: a query within `FROM` holds no other, there are eight at most, and `INLINE STATS` does not stand behind `LIMIT`.",
        when: "A join of rows that are grouped after another join; a union within a join; a join of rows of which some were taken.",
        todo: "Move the join in front of what stands in its way, or use the target splunk.",
        reference: "https://www.elastic.co/docs/reference/query-languages/esql/esql-subquery",
    }
    NeedsNewer "HG239" {
        title: "a newer Elastic is needed",
        what: "The query would use a command, operator or function that the version named by --target-version does not have. The newest version that the data knows is meant where none is named.",
        when: "The cluster is older than the version that the note names.",
        todo: "Name a newer version with --target-version once the cluster runs it, or write the hunt without this part.",
        reference: "https://www.elastic.co/docs/reference/query-languages/esql/esql-commands",
    }
    NoCondition "HG240" {
        title: "a Sigma rule needs a condition",
        what: "The hunt selects every event of its table, or none of its conditions can be said in a rule.",
        when: "The hunt has no `where`, or only one on the time of the event.",
        todo: "Add a comparison of a column with a constant.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html#detection",
    }
    NeverMatches "HG241" {
        title: "the rule would select nothing",
        what: "The conditions of the hunt hold for no event, and a rule that can not match is not valid.",
        when: "A condition such as `where false`, or two that exclude each other.",
        todo: "Check the conditions of the hunt.",
        reference: "",
    }

    // ---- HG3xx: fidelity
    TimeInRange "HG301" {
        title: "the time window stands outside of the query",
        what: "The target keeps the time window in the schedule of the rule. It is given as `time_range`.",
        when: "The query selects more when it is run over another range.",
        todo: "Run the query over the range given.",
        reference: "",
    }
    AggregationDropped "HG302" {
        title: "the aggregation is not part of the translation",
        what: "The events that are aggregated are selected; the groups and their values are not made.",
        when: "Always: the target returns events.",
        todo: "Group in the rule or the dashboard, or use a target that aggregates.",
        reference: "",
    }
    ColumnsDropped "HG303" {
        title: "columns are not part of the translation",
        what: "The target returns whole events; computed, renamed or selected columns are not made.",
        when: "Always: the alert looks different.",
        todo: "Show the fields named by the note in the alert.",
        reference: "",
    }
    OrderDropped "HG304" {
        title: "the order is not part of the translation",
        what: "The target does not sort its results this way.",
        when: "Always: the alert looks different.",
        todo: "Sort in the view.",
        reference: "",
    }
    LimitDropped "HG305" {
        title: "the limit on rows is not part of the translation",
        what: "The hunt returns a part of the rows; the translation returns all of them.",
        when: "More rows match than the limit.",
        todo: "Limit the number of alerts in the rule.",
        reference: "",
    }
    ThresholdDropped "HG306" {
        title: "a condition on aggregated values is not part of the translation",
        what: "The hunt selects only groups that pass the condition; the translation selects the events of all groups.",
        when: "Groups that do not pass the condition.",
        todo: "Add the threshold in the rule, or use a target that aggregates.",
        reference: "",
    }
    TermBoundary "HG307" {
        title: "a term is matched by a regular expression",
        what: "`has` finds whole terms: runs of letters and digits. The target matches them by their neighbours.",
        when: "Exact for ASCII text; see the note for letters beyond ASCII. Of a term that begins or ends in no letter or digit Microsoft's page says nothing; that `has` needs no boundary there was seen at the service (dataexplorer-docs, issue 1005).",
        todo: "Nothing.",
        reference: "https://learn.microsoft.com/kusto/query/datatypes-string-operators#what-is-a-term",
    }
    UnicodeCase "HG308" {
        title: "case is folded differently beyond ASCII",
        what: "KQL and the target fold the case of non-ASCII letters by different rules.",
        when: "Texts with non-ASCII letters.",
        todo: "Check the literal if it holds such letters.",
        reference: "",
    }
    Approximated "HG309" {
        title: "a value is computed in another way",
        what: "The target computes the same thing approximately or by another rule.",
        when: "See the note.",
        todo: "See the note.",
        reference: "",
    }
    UtcDays "HG310" {
        title: "days begin at another hour",
        what: "KQL cuts time in UTC, the target in the time zone of the user or search head.",
        when: "The site's time zone is not UTC.",
        todo: "Run the query as a user whose time zone is UTC.",
        reference: "",
    }
    ArbitraryChoice "HG311" {
        title: "the choice of rows is free",
        what: "KQL may return any rows here; the target may choose others.",
        when: "More rows match than are taken.",
        todo: "Sort before taking rows if the choice matters.",
        reference: "https://learn.microsoft.com/kusto/query/take-operator",
    }
    NativeStyle "HG312" {
        title: "written as an analyst would write it",
        what: "With --style native a condition is written in the target's usual form, which matches more.",
        when: "Texts that the usual form matches and the exact form does not.",
        todo: "Use --style exact for the exact form.",
        reference: "",
    }
    SiteLimits "HG313" {
        title: "limits of the site apply",
        what: "The target cuts off results at a limit that the site can change.",
        when: "More rows or values than the limit.",
        todo: "Raise the limit named by the note.",
        reference: "",
    }
    PresenceOnly "HG314" {
        title: "a missing and an empty value are told apart differently",
        what: "KQL's text columns are empty where the event has no value. The target distinguishes the two.",
        when: "Events that hold an empty text.",
        todo: "See the note.",
        reference: "https://learn.microsoft.com/kusto/query/scalar-data-types/null-values",
    }
    SelectorMissing "HG315" {
        title: "the table is not selected by the query",
        what: "The translation does not restrict itself to the events of the hunt's table.",
        when: "The query is run over data of other sources as well.",
        todo: "Run it over the index or data set of the table.",
        reference: "",
    }
    RegexDialect "HG316" {
        title: "regular expressions differ in a detail",
        what: "The two dialects give the same result except in the detail named.",
        when: "See the note.",
        todo: "See the note.",
        reference: "https://learn.microsoft.com/kusto/query/regex",
    }
    NullSemantics "HG317" {
        title: "missing values are treated differently",
        what: "A comparison with a missing value has another result in the target.",
        when: "Events that lack the field.",
        todo: "See the note.",
        reference: "https://learn.microsoft.com/kusto/query/scalar-data-types/null-values",
    }
    JoinDropped "HG318" {
        title: "a join is not part of the translation",
        what: "Rows that the other side would remove are still selected.",
        when: "Events without a counterpart on the other side.",
        todo: "Correlate in the rule, or use a target that joins.",
        reference: "",
    }
    Expanded "HG319" {
        title: "a condition was written out",
        what: "The condition is expressed by others that mean the same.",
        when: "It makes no difference to the rows.",
        todo: "Nothing.",
        reference: "",
    }
    LookupNeeded "HG325" {
        title: "a lookup takes the place of a list outside of the hunt",
        what: "The hunt reads a watchlist or a file on the network. A search in Splunk reads a lookup, which the site must have; its name is made of that of the list, and the translation is right where it holds the same rows.",
        when: "Always, until the lookup is created; later, when the list changes and the lookup does not.",
        todo: "Create the lookup that the note names, with these columns, and keep it up to date.",
        reference: "https://help.splunk.com/en/splunk-enterprise/search/search-reference/10.0/search-commands/inputlookup",
    }
    NotExpanded "HG330" {
        title: "arrays are not expanded",
        what: "The target returns each event once; the elements of its arrays do not become rows.",
        when: "Events whose array is empty, which KQL leaves out; conditions on single elements.",
        todo: "Check the elements in the alert, or use a target that expands arrays.",
        reference: "https://learn.microsoft.com/kusto/query/mv-expand-operator",
    }
    JoinedOnce "HG331" {
        title: "equal rows of a join come once",
        what: "KQL's join gives a row for each pair of rows whose keys are equal. ES|QL tells a row the values that it finds on the other side, each once: of rows that are alike in all that is read of them only one is seen.",
        when: "The other side has several rows of a key that are alike in the columns that the hunt reads.",
        todo: "Where the number of rows matters, group the other side by its columns and keep the count.",
        reference: "https://www.elastic.co/docs/reference/query-languages/esql/commands/inlinestats-by",
    }
    IndexNeeded "HG332" {
        title: "an index takes the place of a list outside of the hunt",
        what: "The hunt reads a watchlist or a file on the network. A query in ES|QL reads an index, which the site must have; its name is made of that of the list, and the translation is right where it holds the same rows. `LOOKUP JOIN` wants an index in lookup mode.",
        when: "Always, until the index is created; later, when the list changes and the index does not.",
        todo: "Create the index that the note names, with these columns, and keep it up to date.",
        reference: "https://www.elastic.co/docs/reference/query-languages/esql/esql-lookup-join",
    }
    JoinAsSequence "HG335" {
        title: "a join is a sequence of events",
        what: "The join compares the times of two events. EQL says it as a sequence: it looks for one event after the other and gives the events it found, not a row for each pair. Each key has one pending match for each step, so a later first event replaces an earlier one, and an event that ended a match ends no other.",
        when: "Keys with several first or several last events within the time. A key that has a pair in the hunt has a sequence here.",
        todo: "Look at all events of the key around an alert, or use the target esql.",
        reference: "https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-how-sequence-queries-handle-matches",
    }
    JoinAsSample "HG336" {
        title: "a join is a sample of events",
        what: "The join compares keys and no order of times. EQL says it as a sample: for each key that has an event of every kind it gives one of each, not all of them.",
        when: "Keys with several events of a kind.",
        todo: "Look at all events of the key behind an alert, or use the target esql.",
        reference: "https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-samples",
    }
    CountedBySequence "HG337" {
        title: "events are counted by a sequence",
        what: "The hunt keeps groups with at least so many events. EQL says it as a sequence of as many events with the same key; `maxspan` takes the place of windows that are cut by the clock.",
        when: "With windows: events that lie in two windows of the hunt and are counted together here.",
        todo: "Look at all events of the key around an alert, or use the target esql, which counts groups as the hunt does.",
        reference: "https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-with-runs-statement",
    }
    OtherLanguage "HG338" {
        title: "the other language of Elastic says the hunt better",
        what: "The hunt was asked for in EQL. The translation to ES|QL has a better verdict.",
        when: "The hunt aggregates, computes columns, or holds a condition that EQL can not say.",
        todo: "Use --target esql, or --target elastic, which takes the better one of the two.",
        reference: "https://www.elastic.co/docs/reference/query-languages/esql",
    }
    LanguageChosen "HG339" {
        title: "which language of Elastic was chosen",
        what: "With --target elastic a hunt becomes EQL or ES|QL, whichever is more faithful. Where both are alike, a hunt that picks events becomes EQL, whose alerts hold the whole event, and any other ES|QL.",
        when: "Always with this target.",
        todo: "Name --target eql or --target esql to have one language for all hunts.",
        reference: "https://www.elastic.co/docs/solutions/security/detect-and-alert",
    }
    ConditionDropped "HG340" {
        title: "a condition is not part of the translation",
        what: "The target can not say the condition. The others are said, so more events are selected.",
        when: "Events that the condition would remove.",
        todo: "See the message for what the target can not say; add the condition in the rule's platform.",
        reference: "",
    }
    SourceNarrower "HG341" {
        title: "the log source holds a part of the table",
        what: "The table holds kinds of events that the target keeps in other log sources.",
        when: "Events of the other kinds.",
        todo: "Restrict the hunt to the kind named by the note, or write a rule for each kind.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-appendix-taxonomy.html",
    }
    DynamicPart "HG342" {
        title: "a dynamic value is compared",
        what: "KQL compares the text of the whole value; Sigma leaves lists and objects to the backend.",
        when: "The value is a list or an object; single texts and numbers are compared alike.",
        todo: "Check one event of the kind that the hunt selects.",
        reference: "https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic",
    }
    StageDropped "HG343" {
        title: "an operator is not part of the translation",
        what: "The target selects single events; the operator changes rows or adds columns to them.",
        when: "See the note.",
        todo: "See the note.",
        reference: "",
    }
    FieldComparison "HG344" {
        title: "two fields are compared",
        what: "The specification of `fieldref` does not say whether case counts.",
        when: "Values that differ in case only.",
        todo: "Check how the backend in use writes the comparison.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-appendix-modifiers.html",
    }
    CountedByCorrelation "HG345" {
        title: "groups are found by a correlation",
        what: "The hunt aggregates events and keeps the groups that satisfy a condition. Sigma says it as a correlation rule: an alert for each such group, with the keys and without the other columns of the hunt.",
        when: "Always; the same groups are found, but for what other notes say.",
        todo: "Look at the events of the group behind an alert.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html",
    }
    JoinedByCorrelation "HG346" {
        title: "a join is a temporal correlation",
        what: "The hunt joins events by equal keys. Sigma says it as a correlation rule: an alert for a key of which every side has an event within the timespan, in the order of the hunt where it compares times.",
        when: "Always; see the note for a difference in order or time.",
        todo: "Look at the events of the key behind an alert.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html",
    }
    WindowSlides "HG347" {
        title: "windows slide",
        what: "The hunt counts in windows that the clock cuts, such as whole hours. The timespan of a correlation is a window that slides: it finds what lies as close together across the border of two hours, too. Some backends cut windows by the clock all the same, and warn.",
        when: "Events on both sides of the border of a window.",
        todo: "Nothing, unless the border matters.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html",
    }
    TimespanAssumed "HG348" {
        title: "the timespan of a correlation is not the hunt's",
        what: "A correlation must have a timespan, and the hunt does not say over which time it looks. It is the period of the rule, where the file gives one, else 30 days.",
        when: "Events further apart than that.",
        todo: "Give the hunt a time window.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html",
    }
    KeyMissing "HG349" {
        title: "events without a key or a value",
        what: "KQL takes a missing text for the empty text: such events are a group, are joined with one another, and count as one more value. The specification of Sigma does not say what becomes of events without a field that a correlation groups by or counts; some engines leave them out, some take them for a group.",
        when: "Events without the field.",
        todo: "Leave such events out of the hunt with isnotempty(), if they do not matter.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html",
    }
    EveryEvent "HG350" {
        title: "the rule selects every event",
        what: "The hunt has no condition. A Sigma rule must have one, so it asks for events that have a time.",
        when: "Always: the rule is an inventory, not a detection.",
        todo: "Add the condition that tells the events which matter, or do not run it as an alert.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html",
    }
    OneOfGroup "HG351" {
        title: "a condition on one event of a group is asked of every event",
        what: "The hunt takes one event of each group (`arg_max`, `take_any`) and looks at its columns. A Sigma rule looks at every event by itself.",
        when: "Groups of which an event satisfies the condition, and not the one that is taken.",
        todo: "Look at the other events of the group behind an alert.",
        reference: "https://learn.microsoft.com/kusto/query/arg-max-aggregation-function",
    }

    // ---- HG4xx: target data
    InferredField "HG401" {
        title: "the field is inferred",
        what: "No vendor source states this mapping; it is an expert's reading of the data.",
        when: "The site's data names the field differently.",
        todo: "Check one event; correct the mapping with --fields.",
        reference: "",
    }
    UnmappedColumn "HG402" {
        title: "the column keeps its name",
        what: "The schema has no field for the column; the target query uses KQL's name.",
        when: "The site's data names the field differently.",
        todo: "Name the field with --fields.",
        reference: "",
    }
    UnmappedTable "HG403" {
        title: "the table has no source in the schema",
        what: "The schema does not say where the events of this table are found.",
        when: "The site keeps them in a place of its own.",
        todo: "Name the source with --fields.",
        reference: "",
    }
    InferredSource "HG404" {
        title: "the source is inferred",
        what: "No vendor source states where the events of this table are found; it is an expert's reading.",
        when: "The site's data lies elsewhere.",
        todo: "Check the selector; correct it with --fields.",
        reference: "",
    }
    ValueChanged "HG405" {
        title: "the ingest changes the value",
        what: "The target stores another text than KQL sees; literals were rewritten as far as the rule is known.",
        when: "See the note.",
        todo: "See the note.",
        reference: "",
    }
    ValueDropped "HG406" {
        title: "the ingest drops the value",
        what: "The target's ingest does not keep this column by default.",
        when: "Always, unless the site keeps the original fields.",
        todo: "Keep the original event fields at ingest, then name the field with --fields.",
        reference: "",
    }
    FieldCaveat "HG407" {
        title: "the field holds the column under conditions",
        what: "The schema names a condition under which the field holds another value than the column.",
        when: "See the note.",
        todo: "Check one event of the kind that the hunt selects.",
        reference: "",
    }
    BadTargetData "HG408" {
        title: "target data is malformed",
        what: "A file given by --fields or --targets could not be used.",
        when: "Unknown keys, missing entries, wrong types.",
        todo: "Repair the file at the place shown.",
        reference: "",
    }
    SharedSource "HG409" {
        title: "the data model holds events of other sources",
        what: "A dataset of the Common Information Model holds the events of every source that feeds it.",
        when: "The site feeds other sources than the hunt's table into the data model.",
        todo: "Nothing where the hunt is meant for all of them; else add a term on `sourcetype` to the table's selector with --fields.",
        reference: "https://help.splunk.com/en/data-management/common-information-model",
    }
    MissingShown "HG410" {
        title: "a missing value is given out as a text",
        what: "The data model puts a text such as `unknown` where an event has no value; the query gives it out so.",
        when: "Events without a value in the field.",
        todo: "Read the text as KQL's empty one.",
        reference: "https://help.splunk.com/en/data-management/common-information-model/8.5/data-models/endpoint",
    }

    OtherIndex "HG411" {
        title: "the events may lie in another index",
        what: "The query reads the index of the integration that the schema is made for. Other ways to collect the same events write them to others.",
        when: "The site collects the events by an agent or integration of another kind.",
        todo: "Name the index with --fields.",
        reference: "https://www.elastic.co/docs/reference/integrations",
    }
    AssumedPlatform "HG412" {
        title: "the platform of the log source",
        what: "The table holds events of several platforms, and a Sigma rule names the product of one. It is chosen by what the conditions of the hunt show, else assumed.",
        when: "The hunt is meant for another platform.",
        todo: "Change `product` in the rule, or write a rule for each platform.",
        reference: "https://sigmahq.io/sigma-specification/specification/sigma-appendix-taxonomy.html",
    }

    // ---- HG5xx: rules and their files
    RuleKeyUnread "HG501" {
        title: "a key of the rule is not read",
        what: "The file says something of the hunt under a key that huntgate does not know, or in a form that it does not read.",
        when: "Always: nothing of it is in a rule file.",
        todo: "Look whether the target's rule needs it; correct the form of the value.",
        reference: "https://learn.microsoft.com/en-us/azure/sentinel/sentinel-analytic-rules-creation",
    }
    RuleKindPassedOver "HG502" {
        title: "a rule of this kind is passed over",
        what: "The file holds a rule that has no KQL query of its own: fusion, machine learning, threat intelligence, incident creation.",
        when: "Always: the rule is named and not converted.",
        todo: "Use what the target has for the purpose.",
        reference: "https://learn.microsoft.com/en-us/azure/sentinel/threat-detection",
    }
    RuleFieldDropped "HG503" {
        title: "a field of the rule has no place in the target's rule",
        what: "The source gives a field that the rule file can not hold.",
        when: "Always; the note says what it was.",
        todo: "See the note.",
        reference: "",
    }
    RuleFieldChanged "HG504" {
        title: "a field of the rule is carried in another form",
        what: "The rule file says the field in the words or units of the target, which do not say quite the same.",
        when: "See the note.",
        todo: "See the note.",
        reference: "",
    }
    RuleFieldAssumed "HG505" {
        title: "the rule file needs a value that the source does not give",
        what: "The target's rules must have the field; a usual value stands there.",
        when: "The site wants another.",
        todo: "Change it in the rule file, or give it in the source.",
        reference: "",
    }
    ScheduleChanged "HG506" {
        title: "the rule runs at other times, or over other times",
        what: "The target can not run the rule as often, or look as far back, as the source says.",
        when: "Events at the edges of runs are seen twice, late or never; the note says which.",
        todo: "Check schedule and look-back in the rule file.",
        reference: "",
    }
    TriggerChanged "HG507" {
        title: "the threshold on the number of rows is not in the rule as it was",
        what: "Sentinel compares the number of rows of a run with a threshold; the target's rule does so in another way, or not at all.",
        when: "Runs with a number of rows on the other side of the threshold.",
        todo: "See the note.",
        reference: "https://learn.microsoft.com/en-us/azure/sentinel/create-analytics-rules",
    }
    EntityUnmapped "HG508" {
        title: "an entity's column is not a field of the rows",
        what: "The source names a column for an entity, a detail or a text of the alert which the target's rows do not hold.",
        when: "Always: the alert does not show it.",
        todo: "Add the column to the rows of the hunt, or the field to the rule file.",
        reference: "https://learn.microsoft.com/en-us/azure/sentinel/map-data-fields-to-entities",
    }
    AttackUnknown "HG509" {
        title: "no tactic or technique of ATT&CK",
        what: "The source names a tactic or technique that the bundled version of ATT&CK for Enterprise does not hold, or has withdrawn.",
        when: "Always: it is left out, or replaced by the one that ATT&CK names instead.",
        todo: "Correct it in the source.",
        reference: "https://attack.mitre.org/",
    }
    RuleRefused "HG511" {
        title: "the target has no rule that says this",
        what: "The query can be given, and a rule that runs it as the source's rule does can not.",
        when: "Always: no rule file is given.",
        todo: "See the note.",
        reference: "",
    }
    BadAllowance "HG512" {
        title: "a comment that allows notes can not be used",
        what: "A comment `huntgate: allow` names no code, an unknown one, or gives no reason.",
        when: "Always: it allows nothing.",
        todo: "Write `// huntgate: allow HG312 because ...`.",
        reference: "",
    }
    UnusedAllowance "HG513" {
        title: "an allowance that nothing needs",
        what: "A comment or an entry of the baseline accepts a note that no translation of the hunt has.",
        when: "The hunt or huntgate has changed since.",
        todo: "Delete it.",
        reference: "",
    }
    BadConfiguration "HG550" {
        title: "the configuration or the baseline can not be used",
        what: "`huntgate.toml` or the baseline is not TOML, has a key or a value that is not known, or can not be read.",
        when: "Always: nothing is done.",
        todo: "Correct the line that the message names.",
        reference: "",
    }
    SnapshotOutdated "HG551" {
        title: "a snapshot is not what its hunt gives now",
        what: "The hunt, the data or huntgate has changed since the snapshot was accepted; or the hunt is new, has another name, or is gone.",
        when: "Always: what lies in the repository is not what was reviewed.",
        todo: "Look at it with `huntgate snapshot review`, or take all with `huntgate snapshot accept`.",
        reference: "",
    }
    SnapshotTampered "HG552" {
        title: "a snapshot was changed by hand",
        what: "The text of the file does not fit the checksum in its header, or the marks of a merge stand in it.",
        when: "Always: the next `accept` writes it anew, and the change is lost.",
        todo: "Change the hunt, an overlay or a template instead; then accept.",
        reference: "",
    }
    SnapshotBlocked "HG553" {
        title: "a file is in the way of a snapshot",
        what: "A file that is no snapshot, or the snapshot of another hunt, has the name that the snapshot needs.",
        when: "Always: the file is left as it is, and there is no snapshot.",
        todo: "Rename one of them.",
        reference: "",
    }
    DeniedVerdict "HG554" {
        title: "a verdict is denied",
        what: "The verdict is one of the effects that `deny` names, and no single note accounts for it.",
        when: "Several notes together make the verdict, or `exact` is denied.",
        todo: "See the notes of the translation; what they say can be accepted one by one.",
        reference: "",
    }
    OutputTaken "HG560" {
        title: "another hunt has an output of this name",
        what: "Two hunts would be written to the same file; the first one is, and the second one stands in a folder of its own, or has no file.",
        when: "Two rules of one folder have the same name, and the form of rule file asks for the rule's name as that of the file.",
        todo: "Give the rules names of their own: a site takes no two rules of one name.",
        reference: "",
    }
    OutputKept "HG561" {
        title: "the output was changed by hand and is kept",
        what: "The file is not what huntgate wrote there, or was there before, so it is not overwritten.",
        when: "Always: the file does not follow the hunt any more.",
        todo: "Take the change into the hunt, or delete the file, and migrate again; `--force` overwrites it.",
        reference: "",
    }

    // ---- HG9xx: faults of huntgate
    OpenLedger "HG901" {
        title: "a part of the hunt was not answered for",
        what: "A fault of huntgate: a node of the plan has no entry in the ledger. No query is given.",
        when: "Never, if huntgate is right.",
        todo: "Report the hunt.",
        reference: "",
    }
    Fault "HG902" {
        title: "huntgate failed",
        what: "A fault of huntgate: a step met a state that it holds to be impossible. No query is given.",
        when: "Never, if huntgate is right.",
        todo: "Report the hunt.",
        reference: "",
    }
}

impl Code {
    /// The code of this text, in any case.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.text().eq_ignore_ascii_case(text.trim()))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.text())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_are_found_by_their_text() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].text() < pair[1].text()));
        for code in Code::ALL {
            assert_eq!(Code::from_text(code.text()), Some(*code));
        }
    }

    #[test]
    fn every_explanation_is_complete() {
        for code in Code::ALL {
            let text = code.explanation();
            for part in [text.title, text.what, text.when, text.todo] {
                assert!(!part.trim().is_empty(), "{code}");
            }
        }
    }
}
