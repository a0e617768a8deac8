//! The value that a pickle would make, as Python would write it, told without running it.
//!
//! Reads the instructions that put plain values together, and writes down what they would give. A call is written and
//! never made: `os.system('ls')`. Owns nothing; bounded in time and memory by the length of what it reads, whatever
//! that is. Start at [`of`].

use super::pickle::{self, Read};

/// Most characters of a value: more than a line of a screen.
const SHOWN: usize = 240;

/// Most characters of a text within a value.
const TEXT: usize = 120;

/// Something on the stack of the machine, as text.
#[derive(Debug, Clone)]
enum Slot {
    Mark,
    /// A text; a name may be made of two.
    Text(String),
    /// Something that is what it is.
    Plain(String),
    /// A list, set or dictionary that is being filled: how it begins, what is in it, how it ends.
    Filled(&'static str, String, &'static str),
}

/// A machine that only writes.
struct Machine<'e> {
    stack: Vec<Slot>,
    memo: Vec<(u64, Slot)>,
    ellipsis: &'e str,
}

/// The value as Python would write it, cut where it is long. `None`: it is no value that can be told so.
pub fn of(head: &[u8], is_whole: bool, ellipsis: &str) -> Option<String> {
    let mut machine = Machine {
        stack: Vec::new(),
        memo: Vec::new(),
        ellipsis,
    };
    let mut rest = head;
    loop {
        match pickle::read(&mut rest) {
            Some(("STOP", _)) => return machine.only().filter(|_| rest.is_empty()),
            Some((name, argument)) => machine.step(name, argument)?,
            None if is_whole => return None,
            None => return machine.so_far(),
        }
    }
}

impl Machine<'_> {
    fn step(&mut self, name: &str, argument: Read<'_>) -> Option<()> {
        match (name, argument) {
            ("PROTO" | "FRAME", _) => {}
            ("MEMOIZE", _) => self.remember(self.memo.len() as u64)?,
            ("BINPUT" | "LONG_BINPUT", Read::Int(index)) => {
                self.remember(index.try_into().ok()?)?
            }
            ("BINGET" | "LONG_BINGET", Read::Int(index)) => self.recall(index.try_into().ok()?)?,
            ("MARK", _) => self.stack.push(Slot::Mark),
            ("POP", _) => drop(self.stack.pop()?),
            ("NONE", _) => self.plain("None"),
            ("NEWTRUE", _) => self.plain("True"),
            ("NEWFALSE", _) => self.plain("False"),
            ("EMPTY_TUPLE", _) => self.plain("()"),
            ("EMPTY_LIST", _) => self.stack.push(Slot::Filled("[", String::new(), "]")),
            ("EMPTY_DICT", _) => self.stack.push(Slot::Filled("{", String::new(), "}")),
            ("EMPTY_SET", _) => self.stack.push(Slot::Filled("{", String::new(), "}")),
            ("TUPLE1", _) => self.tuple(1)?,
            ("TUPLE2", _) => self.tuple(2)?,
            ("TUPLE3", _) => self.tuple(3)?,
            ("TUPLE", _) => {
                let count = self.above_mark()?;
                self.tuple(count)?;
                self.drop_mark()?;
            }
            ("FROZENSET", _) => {
                let count = self.above_mark()?;
                let items = self.take(count)?;
                self.drop_mark_below()?;
                let text = format!("frozenset({{{}}})", self.joined(&items));
                self.plain(&text);
            }
            ("APPEND", _) => self.fill(1)?,
            ("APPENDS" | "ADDITEMS", _) => {
                let count = self.above_mark()?;
                let items = self.take(count)?;
                self.drop_mark_below()?;
                self.add(&items)?;
            }
            ("SETITEM", _) => {
                let items = self.take(2)?;
                self.add(&paired(&items))?;
            }
            ("SETITEMS", _) => {
                let count = self.above_mark()?;
                let items = self.take(count)?;
                self.drop_mark_below()?;
                self.add(&paired(&items))?;
            }
            ("GLOBAL", Read::Lines(module, Some(name))) => {
                let text = format!("{}.{}", utf8(module)?, utf8(name)?);
                self.plain(&qualified(&text));
            }
            ("STACK_GLOBAL", _) => {
                let (Slot::Text(name), Slot::Text(module)) = (self.stack.pop()?, self.stack.pop()?)
                else {
                    return None;
                };
                self.plain(&qualified(&format!("{module}.{name}")));
            }
            ("REDUCE" | "NEWOBJ", _) => {
                let called = self.take(2)?;
                let [name, arguments] = called.as_slice() else {
                    return None;
                };
                let arguments = match arguments.strip_suffix(",)") {
                    Some(one) => format!("{one})"),
                    None => arguments.clone(),
                };
                let text = format!("{name}{arguments}");
                self.plain(&text);
            }
            ("BUILD", _) => {
                let built = self.take(2)?;
                let text = built.join(" with ");
                self.plain(&text);
            }
            (_, Read::Int(number)) => self.plain(&number.to_string()),
            ("BINFLOAT", Read::Float(number)) => self.plain(&format!("{number:?}")),
            ("UNICODE", Read::Lines(text, None)) | (_, Read::Text(text)) => {
                let text = utf8(text)?.to_owned();
                self.stack.push(Slot::Text(text));
            }
            ("INT" | "LONG" | "FLOAT", Read::Lines(number, None)) => {
                let text = utf8(number)?.trim_end_matches('L').to_owned();
                self.plain(&text);
            }
            (_, Read::Data(data)) => {
                let text = match data.get(..TEXT) {
                    Some(begin) => format!("b'{}{}'", begin.escape_ascii(), self.ellipsis),
                    None => format!("b'{}'", data.escape_ascii()),
                };
                self.plain(&text);
            }
            _ => return None,
        }
        Some(())
    }

    fn plain(&mut self, text: &str) {
        let text = self.cut(text);
        self.stack.push(Slot::Plain(text));
    }

    fn cut(&self, text: &str) -> String {
        match text.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}{}", &text[..at], self.ellipsis),
            None => text.to_owned(),
        }
    }

    /// As it is written.
    fn written(&self, slot: &Slot) -> Option<String> {
        Some(match slot {
            Slot::Mark => return None,
            Slot::Text(text) => quoted(text, self.ellipsis),
            Slot::Plain(text) => text.clone(),
            Slot::Filled(begin, items, end) => format!("{begin}{items}{end}"),
        })
    }

    /// Takes the last few values off, as they are written.
    fn take(&mut self, count: usize) -> Option<Vec<String>> {
        let from = self.stack.len().checked_sub(count)?;
        let slots = self.stack.split_off(from);
        slots.iter().map(|slot| self.written(slot)).collect()
    }

    /// How many values stand above the last mark.
    fn above_mark(&self) -> Option<usize> {
        let mut above = self.stack.iter().rev();
        above.position(|slot| matches!(slot, Slot::Mark))
    }

    /// Takes the mark off that is below the last value.
    fn drop_mark(&mut self) -> Option<()> {
        let last = self.stack.pop()?;
        self.drop_mark_below()?;
        self.stack.push(last);
        Some(())
    }

    fn drop_mark_below(&mut self) -> Option<()> {
        matches!(self.stack.pop()?, Slot::Mark).then_some(())
    }

    fn joined(&self, items: &[String]) -> String {
        let mut text = String::new();
        for item in items {
            if text.len() > SHOWN {
                break;
            }
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(item);
        }
        self.cut(&text)
    }

    fn tuple(&mut self, count: usize) -> Option<()> {
        let items = self.take(count)?;
        let comma = if count == 1 { "," } else { "" };
        let text = format!("({}{comma})", self.joined(&items));
        self.stack.push(Slot::Plain(text));
        Some(())
    }

    fn fill(&mut self, count: usize) -> Option<()> {
        let items = self.take(count)?;
        self.add(&items)
    }

    /// Puts more into the list, set or dictionary that is on top.
    fn add(&mut self, new: &[String]) -> Option<()> {
        let mut top = self.stack.pop()?;
        if let Slot::Filled(_, items, _) = &mut top {
            let mut all = Vec::new();
            if !items.is_empty() {
                all.push(std::mem::take(items));
            }
            all.extend_from_slice(new);
            *items = self.joined(&all);
        } else {
            return None;
        }
        self.stack.push(top);
        Some(())
    }

    fn remember(&mut self, index: u64) -> Option<()> {
        // What is filled later is not known yet.
        let slot = match self.stack.last()? {
            Slot::Filled(begin, _, end) => Slot::Plain(format!("{begin}{}{end}", self.ellipsis)),
            slot => slot.clone(),
        };
        self.memo.push((index, slot));
        Some(())
    }

    fn recall(&mut self, index: u64) -> Option<()> {
        let mut known = self.memo.iter().rev();
        let (_, slot) = known.find(|(known, _)| *known == index)?;
        self.stack.push(slot.clone());
        Some(())
    }

    /// The one value that is left.
    fn only(&self) -> Option<String> {
        match self.stack.as_slice() {
            [slot] => self.written(slot),
            _ => None,
        }
    }

    /// What is known of a value of which only the beginning was read.
    fn so_far(&self) -> Option<String> {
        let mut text = String::new();
        for slot in &self.stack {
            match slot {
                Slot::Mark => {}
                Slot::Filled(begin, items, _) => {
                    text.push_str(begin);
                    text.push_str(items);
                }
                slot => {
                    text.push_str(&self.written(slot)?);
                    text.push_str(", ");
                }
            }
            if text.len() > SHOWN {
                break;
            }
        }
        text.push_str(self.ellipsis);
        Some(self.cut(&text)).filter(|text| text.len() > self.ellipsis.len())
    }
}

/// Keys and values, two by two.
fn paired(items: &[String]) -> Vec<String> {
    items.chunks(2).map(|pair| pair.join(": ")).collect()
}

/// What is built in needs no module.
fn qualified(name: &str) -> String {
    name.strip_prefix("builtins.").unwrap_or(name).to_owned()
}

fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A text as Python writes it.
fn quoted(text: &str, ellipsis: &str) -> String {
    let mut quoted = String::from("'");
    for (index, c) in text.chars().enumerate() {
        if index == TEXT {
            quoted.push_str(ellipsis);
            break;
        }
        match c {
            '"' => quoted.push('"'),
            c => quoted.extend(c.escape_debug()),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(pickle: &[u8]) -> Option<String> {
        of(pickle, true, "…")
    }

    #[test]
    fn plain_values_are_written_as_python_writes_them() {
        for (pickle, written) in [
            // pickle.dumps(…, 5)
            (&b"\x80\x05K%."[..], "37"),
            (b"\x80\x05N.", "None"),
            (b"\x80\x05\x88.", "True"),
            (b"\x80\x05\x95\x06\0\0\0\0\0\0\0K\x01K\x02\x86\x94.", "(1, 2)"),
            (b"\x80\x05\x95\x04\0\0\0\0\0\0\0K\x01\x85\x94.", "(1,)"),
            (
                b"\x80\x05\x95\x21\0\0\0\0\0\0\0]\x94(K\x01\x8c\x02a\x1b\x94G\xc0\x04\0\0\0\0\0\0\x8a\x09\0\0\0\0\0\0\0\0@Ne.",
                "[1, 'a\\u{1b}', -2.5, 1180591620717411303424, None]",
            ),
            (
                b"\x80\x05\x95\x19\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94(K\x02K\x03eu.",
                "{'a': 1, 'b': [2, 3]}",
            ),
            (b"\x80\x05C\x02\xff\0.", "b'\\xff\\x00'"),
        ] {
            assert_eq!(value(pickle).as_deref(), Some(written));
        }
    }

    #[test]
    fn a_call_is_written_and_not_made() {
        assert_eq!(
            value(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.").as_deref(),
            Some("os.system('ls')")
        );
        // An object of a class of one's own, protocol 4.
        let object =
            b"\x80\x04\x8c\x03geo\x94\x8c\x05Point\x94\x93\x94)\x81\x94}\x94\x8c\x01x\x94K\x01sb.";
        assert_eq!(value(object).as_deref(), Some("geo.Point() with {'x': 1}"));
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        for pickle in [
            &b"\x80\x05."[..],
            b"\x80\x05\xff.",
            b"\x80\x05K\x01K\x02.",
            b"\x80\x05e.",
            b"\x80\x05K\x01e.",
            b"\x80\x05h\x07.",
            b"\x80\x05",
            b"",
        ] {
            assert_eq!(value(pickle), None, "{pickle:?}");
        }
    }

    #[test]
    fn the_beginning_of_a_long_value_is_shown() {
        let mut pickle = b"\x80\x05]\x94(".to_vec();
        pickle.extend(b"K\x07".repeat(40));
        let text = of(&pickle, false, "~").unwrap();
        assert!(
            text.starts_with("[7, 7, 7, ") && text.ends_with('~'),
            "{text}"
        );
        pickle.extend(b"K\x07".repeat(40_000));
        pickle.extend(b"e.");
        let text = value(&pickle).unwrap();
        assert!(text.chars().count() <= SHOWN + 3, "{}", text.len());
    }

    #[test]
    fn values_that_hold_themselves_many_times_stay_short() {
        // Each pair holds the one before twice.
        let mut pickle = b"\x80\x05K\x01\x94".to_vec();
        for index in 0..200u8 {
            pickle.extend([b'h', index, b'h', index, 0x86, 0x94]);
        }
        pickle.push(b'.');
        assert_eq!(value(&pickle), None, "more than one value is left");
        let text = of(&pickle[..pickle.len() - 1], false, "…").unwrap();
        assert!(text.chars().count() <= SHOWN + 1);
    }
}
