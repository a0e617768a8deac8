//! From a command line to a template.
//!
//! Owns the splitting into words as a POSIX shell does it (XCU 2.2, 2.6.7), and the decision whether a shell is needed.
//! Never runs anything, never looks at the disk. Start at [`import`].

use indexmap::IndexMap;

use super::edit::proper;
use crate::model::template::{ProcessTemplate, Target, Value};

/// A template for a command line, and a name for it; nothing for an empty line.
pub fn import(line: &str) -> Option<(String, ProcessTemplate)> {
    let line = line.trim();
    // As it is copied from a manual.
    let line = line.strip_prefix("$ ").unwrap_or(line).trim();
    if line.is_empty() {
        return None;
    }
    let words = match split(line) {
        Some(words) => words,
        None => {
            let template = ProcessTemplate::new(Target::Shell(line.to_owned()));
            return Some((shell_name(line), template));
        }
    };
    if let [word] = words.as_slice()
        && let Some(name) = function(word)
    {
        let template = ProcessTemplate::new(Target::Python(word.clone()));
        return Some((proper(name), template));
    }
    let mut env = IndexMap::new();
    let mut rest = words.as_slice();
    while let [first, others @ ..] = rest
        && let Some((name, value)) = assignment(first)
    {
        env.insert(name.to_owned(), value.to_owned());
        rest = others;
    }
    let [program, args @ ..] = rest else {
        // Only assignments: they set a variable of a shell, whatever that is good for.
        let template = ProcessTemplate::new(Target::Shell(line.to_owned()));
        return Some((shell_name(line), template));
    };
    let template = ProcessTemplate {
        env,
        args: args.iter().cloned().map(Value::Text).collect(),
        ..ProcessTemplate::new(Target::Program(program.clone()))
    };
    Some((name(program, args), template))
}

/// Makes of a template whose target was just typed what was meant: a whole command line is divided into program and
/// arguments, or given to a shell if it needs one. Gives a name that fits; nothing when the target says none.
pub fn understand(template: &mut ProcessTemplate) -> Option<String> {
    match &template.target {
        Target::Program(line) => {
            let (name, read) = import(line)?;
            // A path may hold blanks too; with arguments of its own it is one.
            if matches!(read.target, Target::Python(_)) {
                template.target = read.target;
            } else if template.args.is_empty() && read.target != template.target {
                template.target = read.target;
                template.args = read.args;
                for (variable, value) in read.env {
                    template.env.insert(variable, value);
                }
            }
            Some(name)
        }
        Target::Shell(line) if line.trim().is_empty() => None,
        Target::Shell(line) => Some(shell_name(line)),
        Target::Python(function) => {
            let name = function.rsplit([':', '.']).next().unwrap_or_default();
            (!name.is_empty()).then(|| proper(name))
        }
    }
}

/// Every command of a text of several lines; a `\` at the end of a line joins it with the next.
pub fn import_all(text: &str) -> Vec<(String, ProcessTemplate)> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    joined.lines().filter_map(import).collect()
}

/// A word `NAME=value` before a command.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    (first && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some((name, value))
}

/// The function of a word that names one of Python: `file.py:function` or `package.module:function`.
fn function(word: &str) -> Option<&str> {
    let is_name = |text: &str| {
        let mut letters = text.chars();
        letters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
            && letters.all(|c| c.is_alphanumeric() || c == '_')
    };
    let (place, function) = word.rsplit_once(':')?;
    let is_place = place.ends_with(".py") || place.split('.').all(is_name);
    (is_place && is_name(function)).then_some(function)
}

/// What the process is about: the script for an interpreter, else the program.
fn name(program: &str, args: &[String]) -> String {
    let base = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
        if stem.is_empty() { file } else { stem }.to_owned()
    };
    let own = base(program);
    let interpreter = ["python", "bash", "sh", "perl", "ruby", "node", "julia", "R"]
        .iter()
        .any(|known| {
            own.strip_prefix(known)
                .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
        });
    let script = match args {
        [option, module, ..] if interpreter && option == "-m" => {
            module.rsplit('.').next().map(str::to_owned)
        }
        _ if interpreter => args
            .iter()
            .find(|arg| !arg.starts_with('-'))
            .filter(|arg| !arg.contains(char::is_whitespace))
            .map(|arg| base(arg)),
        _ => None,
    };
    proper(&script.unwrap_or(own))
}

fn shell_name(line: &str) -> String {
    let mut words = line.split(|c: char| c.is_whitespace() || "|&;<>()".contains(c));
    let first = words.find(|word| !word.is_empty() && assignment(word).is_none());
    name(first.unwrap_or("shell"), &[])
}

/// The words of a line that needs no shell: no pipes, redirections, variables, patterns or comments, and all quotes
/// closed. Nothing for one that does.
pub fn split(line: &str) -> Option<Vec<String>> {
    words(line, false)
}

/// The words of a line in which only blanks, quotes and backslashes have a meaning; nothing when a quote is never closed.
pub fn split_verbatim(line: &str) -> Option<Vec<String>> {
    words(line, true)
}

fn words(line: &str, verbatim: bool) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '$' | '`' if !verbatim => return None,
                        '\\' => match letters.next()? {
                            c @ ('$' | '`' | '"' | '\\') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' | '\n'
                if !verbatim =>
            {
                return None;
            }
            '#' | '~' | '!' if word.is_none() && !verbatim => return None,
            // Bash makes two words of `a{b,c}`.
            '{' if !verbatim && letters.clone().any(|c| c == '}') => return None,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Words as one line that [`split`] divides as they are.
pub fn join<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "_-./=:,+@%^".contains(c))
    };
    let words = words.into_iter().map(|word| match plain(word) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_python_is_told_from_a_program() {
        for function in ["../lib/a.py:f", "a.py:f_1", "package.module:f", "module:_f"] {
            let (name, template) = import(function).unwrap();
            assert_eq!(template.target, Target::Python(function.to_owned()));
            assert_eq!(name, function.rsplit(':').next().unwrap());
        }
        for program in [
            "a.py",
            "./a.py",
            "localhost:8080",
            "a.py:",
            ":f",
            "/opt/a:b",
            "a..b:f",
        ] {
            let (_, template) = import(program).unwrap();
            assert_eq!(template.target, Target::Program(program.to_owned()));
        }
    }
}
