//! The parts of a path and of an address on the web as patterns that PCRE and Java read alike: the facts of `parse_url`
//! and `parse_path`, not how a target says them.

/// Scheme, user, password, host, port, path, query, fragment.
pub(in crate::fit) const URL: &str = r"^([A-Za-z][A-Za-z0-9+.\-]*):(?://(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::([0-9]*))?)?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?\z";
/// The parts of a bag of `parse_url`, by their groups.
pub(in crate::fit) const URL_PARTS: [(&str, i64); 7] =
    [("Scheme", 1), ("Host", 4), ("Port", 5), ("Path", 6), ("Username", 2), ("Password", 3), ("Fragment", 8)];
/// The group of the query.
pub(in crate::fit) const URL_QUERY: i64 = 7;
/// The parts of a bag of `parse_path`, each as the first group of its pattern.
pub(in crate::fit) const PATH_PARTS: [(&str, &str); 7] = [
    ("Scheme", r"^([A-Za-z][A-Za-z0-9+.\-]+)://"),
    ("RootPath", r"^([A-Za-z]:|/)"),
    ("DirectoryPath", r"^([\s\S]*)[\\/]"),
    ("DirectoryName", r"([^\\/]+)[\\/][^\\/]*\z"),
    ("Filename", r"([^\\/:]+)(?::[^\\/:]*)?\z"),
    ("Extension", r"\.([^.\\/:]+)(?::[^\\/:]*)?\z"),
    ("AlternateDataStreamName", r"[^\\/]{2,}:([^\\/:]+)\z"),
];
