//! The configuration files of `examples/cluster`, fitted to this machine: they are written for six machines, and what is run is those
//! very files with other addresses, folders and passwords.

/// `template` with the first of each pair replaced by the second, wherever it stands. What was put in is not looked at again; where two
/// could begin, the longer one does.
///
/// # Errors
/// When one of them does not stand in the template: the file and this program have come apart.
pub fn fitted(template: &str, changes: &[(&str, &str)]) -> Result<String, String> {
    if let Some((missing, _)) = changes.iter().find(|(from, _)| from.is_empty() || !template.contains(from)) {
        return Err(format!("the example's file has no {missing:?}"));
    }
    let mut fitted = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        let change =
            changes.iter().filter(|(from, _)| rest.starts_with(from)).max_by_key(|(from, _)| from.len());
        let taken = match change {
            Some((from, to)) => {
                fitted.push_str(to);
                from.len()
            }
            None => {
                fitted.push(next);
                next.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(fitted)
}

/// What of a file is not a comment: for tests that nothing of the example was left in it.
#[cfg(test)]
pub(crate) fn settings_of<'a>(file: &'a str, comment: &'a str) -> impl Iterator<Item = &'a str> {
    file.lines().filter(move |line| !line.trim_start().starts_with(comment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_template_does_not_have_is_refused() {
        assert!(fitted("listen = a", &[("b", "c")]).unwrap_err().contains("\"b\""));
        assert!(fitted("listen = a", &[("", "c")]).is_err());
    }

    #[test]
    fn the_longer_one_wins_and_what_was_put_in_stays() {
        let changes = [("10.0.0.1", "one"), ("10.0.0.11", "10.0.0.1"), ("é", "e")];
        assert_eq!(fitted("10.0.0.11 10.0.0.1 é", &changes).unwrap(), "10.0.0.1 one e");
    }
}
