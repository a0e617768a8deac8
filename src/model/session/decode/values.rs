//! Single values: text, numbers, durations, variants.
//!
//! Each reader gives the value, or nothing and a problem that says what was expected.

use std::time::Duration;

use super::{Decoder, Variant};
use crate::model::{
    ron_text::{Kind, Node, Paren, write_text},
    session::problem::{Part, did_you_mean},
    template::humantime_text,
};

impl Decoder<'_> {
    pub(in crate::model::session) fn text(&mut self, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Name(name) => {
                let help = format!("write {}", write_text(name));
                self.problem_with(node.span, "expected text in double quotes", Some(help));
                None
            }
            _ => {
                self.expected("text", node);
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        match &node.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Name(name) => {
                let near = did_you_mean(name, ["true", "false"]);
                self.problem(
                    node.span,
                    format!("expected true or false, found `{name}`{near}"),
                );
                None
            }
            _ => {
                self.expected("true or false", node);
                None
            }
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn integer<T: TryFrom<i128>>(
        &mut self,
        node: &Node,
        least: u64,
        most: u64,
    ) -> Option<T> {
        let Kind::Integer(number) = &node.kind else {
            self.expected("a whole number", node);
            return None;
        };
        if (i128::from(least)..=i128::from(most)).contains(number)
            && let Ok(value) = T::try_from(*number)
        {
            return Some(value);
        }
        let field = self.path.parts().iter().rev().find_map(|part| match part {
            Part::Name(name) => Some(name.clone()),
            Part::Index(_) => None,
        });
        // A limit that nobody meets is only named to who does.
        let range = if most >= u64::from(u32::MAX) && *number < i128::from(least) {
            format!("{} or more", grouped(least))
        } else {
            format!("{} to {}", grouped(least), grouped(most))
        };
        let message = format!("{} must be {range}", field.as_deref().unwrap_or("it"));
        self.problem(node.span, message);
        None
    }

    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        match &node.kind {
            Kind::Text(text) => match humantime_text::parse(text) {
                Ok(duration) => Some(duration),
                Err(message) => {
                    self.problem(node.span, message);
                    None
                }
            },
            Kind::Integer(number) => {
                let help = format!("write \"{number}s\" for seconds");
                self.problem_with(
                    node.span,
                    "expected a duration as text, found a whole number",
                    Some(help),
                );
                None
            }
            _ => {
                self.expected("a duration such as \"5s\"", node);
                None
            }
        }
    }

    /// A text that `read` makes something of, or says why not.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        node: &Node,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(node)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(node.span, problem.to_string());
                None
            }
        }
    }

    /// Which of the variants it is, and what stands in its parentheses.
    pub(super) fn variant<'n>(
        &mut self,
        node: &'n Node,
        known: &[Variant],
    ) -> Option<(&'static str, Option<&'n Paren>)> {
        let (name, span, paren) = match &node.kind {
            Kind::Name(name) => (&**name, node.span, None),
            Kind::Paren(paren) if let Some((name, span)) = &paren.name => {
                (&**name, *span, Some(&**paren))
            }
            _ => {
                self.expected(&forms(known), node);
                return None;
            }
        };
        let Some((variant, form)) = known.iter().find(|(variant, _)| *variant == name) else {
            let near = did_you_mean(name, known.iter().map(|(variant, _)| *variant));
            let help = near.is_empty().then(|| format!("write {}", forms(known)));
            self.problem_with(span, format!("unknown variant `{name}`{near}"), help);
            return None;
        };
        let bare = variant == form;
        match paren {
            Some(paren) if bare && !paren.body.items.is_empty() => {
                self.problem(node.span, format!("`{variant}` takes nothing"));
                None
            }
            None if !bare => {
                self.problem_with(
                    node.span,
                    format!("`{variant}` lacks its value"),
                    Some(format!("write {form}")),
                );
                None
            }
            _ => Some((variant, paren)),
        }
    }

    /// The values in a variant's parentheses, exactly `N` of them.
    pub(super) fn values<'n, const N: usize>(
        &mut self,
        variant: &str,
        paren: Option<&'n Paren>,
        form: &str,
    ) -> Option<[&'n Node; N]> {
        let paren = paren?;
        let items = &paren.body.items;
        let span = paren
            .name
            .as_ref()
            .map_or(paren.body.inner, |(_, span)| *span);
        let mut nodes = Vec::with_capacity(N);
        for item in items {
            if let Some(key) = &item.key {
                self.problem_with(
                    key.span,
                    format!("`{variant}` has no named fields"),
                    Some(format!("write {form}")),
                );
                return None;
            }
            nodes.push(&item.value);
        }
        match <[&Node; N]>::try_from(nodes) {
            Ok(nodes) => Some(nodes),
            Err(nodes) => {
                let message = format!(
                    "`{variant}` takes {}, found {}",
                    values(N),
                    values(nodes.len())
                );
                self.problem_with(span, message, Some(format!("write {form}")));
                None
            }
        }
    }
}

fn values(count: usize) -> String {
    if count == 1 {
        "one value".to_owned()
    } else {
        format!("{count} values")
    }
}

/// How the variants are written, as a person lists alternatives.
fn forms(known: &[Variant]) -> String {
    let forms: Vec<&str> = known.iter().map(|(_, form)| *form).collect();
    match forms.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A number with its thousands apart.
pub(in crate::model::session) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
