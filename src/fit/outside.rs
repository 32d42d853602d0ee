//! Lists outside of the hunt: under which name the site keeps the rows of a watchlist or of a file on the network. How a
//! target reads them is its own matter.

/// The name of a list, of letters, digits and what else the name of a file has.
pub(crate) fn list_name(name: &str) -> String {
    let mut text: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        text.insert_str(0, "lookup_");
    }
    text
}

/// The name of the list for external data: that of the file.
pub(crate) fn external_name(addresses: &[String]) -> String {
    let address = addresses.first().map_or("external", String::as_str);
    let path = address.split(['?', '#', ';']).next().unwrap_or(address);
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    list_name(file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("external"))
}
