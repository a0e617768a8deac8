mod values;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier, text::Line};

use super::{
    bar, choice, format, fuzzy, graph, hints,
    input::Input,
    list::{self, View},
    panel::Panel,
    popup::{self, Tone},
    tabs::Tabs,
    text,
};
use crate::tui::{
    keymap::{Context, Keymap},
    theme::{Depth, Glyphs, Theme},
};

/// A theme whose bars have no ground, so that what is drawn can be read.
fn theme() -> Theme {
    Theme::bare("test", &Glyphs::UNICODE)
}

fn screen(width: u16, height: u16) -> Buffer {
    Buffer::empty(Rect::new(0, 0, width, height))
}

fn lines(buf: &Buffer) -> Vec<String> {
    let line = |y| {
        let mut text = String::new();
        let mut x = buf.area.left();
        while x < buf.area.right() {
            let symbol = buf[(x, y)].symbol();
            text.push_str(symbol);
            x += text::columns(symbol).max(1);
        }
        text.trim_end().to_owned()
    };
    (buf.area.top()..buf.area.bottom()).map(line).collect()
}

fn drawn(width: u16, height: u16, draw: impl FnOnce(&mut Buffer, Rect)) -> Vec<String> {
    let mut buf = screen(width, height);
    let area = buf.area;
    draw(&mut buf, area);
    lines(&buf)
}

#[test]
fn text_is_cut_where_it_does_not_fit_and_never_leaves_the_buffer() {
    let glyphs = &Glyphs::UNICODE;
    assert_eq!(text::cut("consumer", 8, glyphs), "consumer");
    assert_eq!(text::cut("consumer", 5, glyphs), "cons…");
    assert_eq!(text::cut("漢字漢字", 4, glyphs), "漢…");
    assert_eq!(text::cut("consumer", 0, glyphs), "");
    assert_eq!(text::cut_left("/home/me/run.py", 8, glyphs), "…/run.py");
    let mut buf = screen(4, 1);
    let style = theme().text;
    assert_eq!(text::put(&mut buf, 2, 0, 9, "abc", style), 2);
    assert_eq!(text::put(&mut buf, 9, 0, 9, "abc", style), 0);
    assert_eq!(text::put(&mut buf, 0, 7, 9, "abc", style), 0);
    assert_eq!(text::put(&mut buf, 0, 0, 2, "\u{1b}]0;x\u{7}漢", style), 2);
    assert_eq!(lines(&buf), ["]0ab"]);
}

#[test]
fn a_bar_shows_eighths_and_keeps_nothing_and_all_for_nothing_and_all() {
    let theme = theme();
    let bar = |share| {
        drawn(4, 1, |buf, area| {
            bar::draw(buf, area, share, theme.bar_full, &theme)
        })
    };
    assert_eq!(bar(0.0), ["░░░░"]);
    assert_eq!(bar(0.001), ["▏░░░"]);
    assert_eq!(bar(0.5), ["██░░"]);
    assert_eq!(bar(0.67), ["██▋░"]);
    assert_eq!(bar(0.999), ["███▉"]);
    assert_eq!(bar(1.0), ["████"]);
    assert_eq!(bar(f64::NAN), ["░░░░"]);
    assert_eq!(bar(7.0), ["████"]);
}

#[test]
fn a_bar_on_a_ground_of_its_own_has_no_sign_for_the_rest() {
    let theme = Theme::default();
    let mut buf = screen(4, 1);
    let area = buf.area;
    bar::draw(&mut buf, area, 0.3, theme.bar_full, &theme);
    assert_eq!(lines(&buf), ["█▎"]);
    assert!(
        buf.content()
            .iter()
            .all(|cell| Some(cell.bg) == theme.bar_empty.bg)
    );
}

#[test]
fn a_line_of_history_ends_with_the_newest_and_leaves_gaps() {
    let theme = theme();
    let values = [9.0, 0.0, 1.0, f64::NAN, 4.0, 8.0];
    let line = |width| {
        drawn(width, 1, |buf, area| {
            graph::sparkline(buf, area, &values, Some(8.0), theme.graph, &theme);
        })
    };
    assert_eq!(line(8), ["  █ ▁ ▄█"]);
    assert_eq!(line(2), ["▄█"]);
    assert_eq!(
        graph::resample(&[1.0, 5.0, 2.0, f64::NAN, 3.0], 2),
        [5.0, 3.0]
    );
    assert_eq!(graph::resample(&[1.0], 4), [1.0]);
    assert_eq!(graph::resample(&[1.0], 0), [0.0; 0]);
}

#[test]
fn a_graph_has_an_axis_where_there_is_room() {
    let theme = theme();
    let values: Vec<f64> = (0..=8).map(|step| f64::from(step) * 12.5).collect();
    let axis = graph::Axis {
        top: "100",
        bottom: "0",
        oldest: "10 min",
        newest: "now",
    };
    let graph = |width, height| {
        drawn(width, height, |buf, area| {
            graph::draw(buf, area, &values, Some(100.0), axis, &theme);
        })
    };
    assert_eq!(
        graph(16, 5),
        [
            "100┤         ▂▅█",
            "   │      ▁▄▇███",
            "   │    ▃▆██████",
            "  0┤────────────",
            "    10 min   now",
        ]
    );
    assert_eq!(graph(4, 1), ["▅▆▇█"]);
}

#[test]
fn the_view_follows_the_selection_and_moves_as_little_as_it_can() {
    assert_eq!(list::keep_visible(0, 0, 100, 10), 0);
    assert_eq!(list::keep_visible(0, 9, 100, 10), 0);
    assert_eq!(list::keep_visible(0, 10, 100, 10), 1);
    assert_eq!(list::keep_visible(50, 45, 100, 10), 45);
    assert_eq!(list::keep_visible(50, 55, 100, 10), 50);
    assert_eq!(list::keep_visible(95, 99, 100, 10), 90);
    assert_eq!(list::keep_visible(95, 3, 4, 10), 0);
    assert_eq!(list::keep_visible(5, 5, 0, 10), 0);
    assert_eq!(list::keep_visible(5, 5, 9, 0), 0);
}

#[test]
fn a_list_shows_its_rows_and_where_they_are() {
    let theme = theme();
    let view = View {
        first: 0,
        selected: Some(4),
        length: 12,
    };
    let mut buf = screen(6, 4);
    let area = buf.area;
    let first = list::draw(
        &mut buf,
        area,
        view,
        &theme,
        |buf, line, index, selected| {
            let sign = if selected { "▸" } else { " " };
            text::put(
                buf,
                line.x,
                line.y,
                line.width,
                &format!("{sign}{index}"),
                theme.text,
            );
        },
    );
    assert_eq!(first, 1);
    assert_eq!(lines(&buf), [" 1   │", " 2   ┃", " 3   │", "▸4   │"]);
    assert!(buf[(4, 3)].modifier.contains(Modifier::REVERSED));
    assert!(!buf[(4, 2)].modifier.contains(Modifier::REVERSED));
    let bar = |first| {
        drawn(1, 4, |buf, area| {
            list::scroll_bar(buf, area, first, 100, &theme)
        })
        .concat()
    };
    assert_eq!(bar(0), "┃│││");
    assert_eq!(bar(1), "│┃││");
    assert_eq!(bar(95), "││┃│");
    assert_eq!(bar(96), "│││┃");
}

#[test]
fn a_panel_carries_its_titles_in_its_line_and_drops_the_right_one_first() {
    let theme = theme();
    let panel = Panel::new("consumer.0")
        .about("node02 gpu 0")
        .right("1.2 kB/s")
        .footer("1 of 9");
    let shown = |width| {
        drawn(width, 3, |buf, area| {
            panel.draw(buf, area, &theme);
        })
    };
    assert_eq!(
        shown(50),
        [
            "╭ consumer.0 ─ node02 gpu 0 ────────── 1.2 kB/s ─╮",
            "│                                                │",
            "╰─────────────────────────────────────── 1 of 9 ─╯",
        ]
    );
    assert_eq!(shown(30)[0], "╭ consumer.0 ─ node02 gpu 0 ─╮");
    assert_eq!(shown(24)[0], "╭ consumer.0 ─ node02… ╮");
    assert_eq!(shown(9)[0], "╭ cons… ╮");
    assert_eq!(shown(1), ["", "", ""]);
    let divided = drawn(14, 4, |buf, area| {
        panel.draw(buf, area, &theme);
        panel.divide(buf, area, 2, &Line::from("queues"), &theme);
    });
    assert_eq!(divided[2], "├ queues ────┤");
}

#[test]
fn the_last_line_keeps_the_help_when_room_is_short() {
    let theme = theme();
    let keys = Keymap::default();
    let shown = |context, width| {
        drawn(width, 1, |buf, area| {
            hints::draw(
                buf,
                area,
                &keys.hints(context),
                &Line::from("1.3 MB"),
                &theme,
            );
        })
        .concat()
    };
    assert_eq!(
        shown(Context::Run, 100),
        " x stop  m mute  z zoom  a all-in-one  i type  / search  w why  ? help                       1.3 MB"
    );
    assert_eq!(shown(Context::Run, 34), " x stop  m mute  z zoom  ? help");
    assert_eq!(
        shown(Context::Typing, 34),
        " ^] stop typing            1.3 MB"
    );
    assert_eq!(
        shown(Context::Compose, 84),
        " ↵ edit  n new  + − replicas  p paste a command  u undo  ^S save  s start  ? help"
    );
    assert_eq!(shown(Context::Run, 3), "");
}

#[test]
fn the_first_line_gives_way_from_the_left() {
    let theme = theme();
    let screens = [("1", "Compose"), ("2", "Run"), ("3", "Queues")];
    let tabs = Tabs {
        name: Line::from("dragon-tui ▸ demo"),
        screens: &screens,
        current: 1,
        status: Line::from("● 4/4"),
    };
    let shown = |width| drawn(width, 1, |buf, area| drop(tabs.draw(buf, area, &theme))).concat();
    assert_eq!(
        shown(70),
        " dragon-tui ▸ demo    1 Compose  2 Run  3 Queues                ● 4/4"
    );
    assert_eq!(shown(40), "  1 Compose  2 Run  3 Queues      ● 4/4");
    assert_eq!(shown(24), "  1  2 Run  3     ● 4/4");
    let mut buf = screen(70, 1);
    let area = buf.area;
    let places = tabs.draw(&mut buf, area, &theme);
    assert_eq!(places[1], Rect::new(32, 0, 7, 1));
}

#[test]
fn a_popup_clears_what_lies_below_it() {
    let theme = theme();
    let shown = drawn(20, 5, |buf, area| {
        for y in 0..5 {
            text::put(buf, 0, y, 20, "xxxxxxxxxxxxxxxxxxxx", theme.text);
        }
        popup::draw(buf, area, (10, 3), &Panel::new("stop?"), &theme);
    });
    assert_eq!(
        shown,
        [
            "xxxxx╭ stop? ─╮xxxxx",
            "xxxxx│        │xxxxx",
            "xxxxx╰────────╯xxxxx",
            "xxxxxxxxxxxxxxxxxxxx",
            "xxxxxxxxxxxxxxxxxxxx",
        ]
    );
}

#[test]
fn messages_pile_up_from_the_corner() {
    let theme = theme();
    let messages = [
        (Tone::Ok, "saved"),
        (Tone::Error, "consumer.2 failed with exit status 3"),
    ];
    let shown = drawn(30, 3, |buf, area| {
        popup::toasts(buf, area, messages.into_iter(), &theme);
    });
    assert_eq!(
        shown,
        [
            "                   ┃ ✓ saved",
            "  ┃ ✗ consumer.2 failed with",
            "  ┃   exit status 3"
        ]
        .map(|line| line.trim_end().to_owned())
    );
}

#[test]
fn a_choice_shows_all_words_and_never_loses_the_chosen_one() {
    let theme = theme();
    let words = ["pane", "DEVNULL", "file"];
    let shown = |chosen, width| {
        drawn(width, 1, |buf, area| {
            drop(choice::words(buf, area, &words, chosen, true, &theme))
        })
        .concat()
    };
    assert_eq!(shown(0, 40), "( pane )  DEVNULL  file");
    assert_eq!(shown(2, 12), "( file )");
    assert_eq!(shown(1, 8), "( DEV… )");
    let number = drawn(12, 1, |buf, area| {
        choice::number(buf, area, "3", true, &theme);
    });
    assert_eq!(number, ["◂ 3 ▸"]);
}

#[test]
fn the_cursor_of_a_long_line_is_always_seen() {
    let theme = theme();
    let mut input = Input::new("0123456789漢字");
    let mut buf = screen(6, 1);
    let area = buf.area;
    let place = input.draw(&mut buf, area, true, &theme);
    assert_eq!(lines(&buf), ["9漢字"]);
    assert_eq!(place.map(|place| place.x), Some(5));
    input.key(&KeyEvent::from(KeyCode::Home));
    let mut buf = screen(6, 1);
    let place = input.draw(&mut buf, area, true, &theme);
    assert_eq!(lines(&buf), ["012345"]);
    assert_eq!(place.map(|place| place.x), Some(0));
    assert!(buf[(0, 0)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn nothing_is_drawn_outside_of_any_rectangle() {
    let keys = Keymap::default();
    let screens = [("1", "Compose"), ("2", "Run")];
    for ascii in [false, true] {
        let theme = Theme::embedded("dragon dark", Depth::True, Glyphs::set(ascii)).unwrap();
        for (width, height) in (0..14).flat_map(|width| (0..7).map(move |height| (width, height))) {
            let area = Rect::new(2, 1, width, height);
            let mut buf = screen(18, 9);
            draw_all(&mut buf, area, &keys, &screens, &theme);
            for position in buf.area.positions() {
                let touched = buf[position] != Buffer::empty(buf.area)[position];
                assert!(
                    !touched || area.contains(position),
                    "{position:?} of {area:?}"
                );
            }
            // Nor does a rectangle that is larger than the buffer hurt.
            draw_all(
                &mut screen(width, height),
                Rect::new(3, 2, 30, 9),
                &keys,
                &screens,
                &theme,
            );
        }
    }
}

fn draw_all(buf: &mut Buffer, area: Rect, keys: &Keymap, screens: &[(&str, &str)], theme: &Theme) {
    let values = [1.0, 5.0, f64::NAN, 2.0];
    let axis = graph::Axis {
        top: "10",
        bottom: "0",
        oldest: "old",
        newest: "now",
    };
    let panel = Panel::new("title")
        .about("about")
        .right("right")
        .footer("foot")
        .focused(true);
    let tabs = Tabs {
        name: Line::from("name"),
        screens,
        current: 0,
        status: Line::from("status"),
    };
    bar::draw(buf, area, 0.4, theme.bar_full, theme);
    graph::draw(buf, area, &values, None, axis, theme);
    graph::sparkline(buf, area, &values, None, theme.graph, theme);
    let view = View {
        first: 3,
        selected: Some(7),
        length: 30,
    };
    list::draw(buf, area, view, theme, |buf, line, index, _| {
        text::put(
            buf,
            line.x,
            line.y,
            line.width,
            &index.to_string(),
            theme.text,
        );
    });
    panel.draw(buf, area, theme);
    panel.divide(buf, area, area.y + 2, &Line::from("second"), theme);
    popup::draw(buf, area, (9, 4), &panel, theme);
    let messages = [(Tone::Info, "one"), (Tone::Warning, "two and more of it")];
    popup::toasts(buf, area, messages.into_iter(), theme);
    tabs.draw(buf, area, theme);
    hints::draw(
        buf,
        area,
        &keys.hints(Context::Compose),
        &Line::from("right"),
        theme,
    );
    choice::words(buf, area, &["pane", "file"], 1, true, theme);
    choice::number(buf, area, "12", false, theme);
    Input::new("some text").draw(buf, area, true, theme);
}

#[test]
fn every_sign_has_its_columns() {
    for glyphs in [&Glyphs::UNICODE, &Glyphs::ASCII] {
        let single = [
            glyphs.waiting,
            glyphs.starting,
            glyphs.running,
            glyphs.succeeded,
            glyphs.failed,
            glyphs.unknown,
            glyphs.stopping,
            glyphs.stopped,
            glyphs.muted,
            glyphs.warning,
            glyphs.info,
            glyphs.open,
            glyphs.closed,
            glyphs.selected,
            glyphs.less,
            glyphs.more,
            glyphs.ellipsis,
            glyphs.none,
            glyphs.infinity,
            glyphs.minus,
            glyphs.times,
            glyphs.dot,
            glyphs.pipe,
            glyphs.degree,
            glyphs.bar_empty,
            glyphs.thumb,
            glyphs.track,
            glyphs.border.horizontal,
            glyphs.border.vertical,
            glyphs.border.top_left,
            glyphs.border.top_right,
            glyphs.border.bottom_left,
            glyphs.border.bottom_right,
            glyphs.border.tee_left,
            glyphs.border.tee_right,
        ];
        let all = single
            .iter()
            .chain(&glyphs.bar)
            .chain(&glyphs.spark)
            .chain(&glyphs.axis);
        assert!(all.into_iter().all(|sign| text::columns(sign) == 1));
        assert_eq!(text::columns(glyphs.flow), 3);
        assert_eq!(
            glyphs.waiting.is_ascii(),
            glyphs.border.horizontal.is_ascii()
        );
    }
}

#[test]
fn texts_longer_than_any_screen_are_cut() {
    let theme = Theme::default();
    let long = "漢x".repeat(60_000);
    let screens = [("1", long.as_str()), ("2", "Run")];
    let tabs = Tabs {
        name: Line::from(long.as_str()),
        screens: &screens,
        current: 0,
        status: Line::from(long.as_str()),
    };
    let panel = Panel::new(long.as_str())
        .about(long.as_str())
        .right(long.as_str())
        .footer(long.as_str());
    let mut buf = screen(40, 6);
    let area = buf.area;
    tabs.draw(&mut buf, area, &theme);
    panel.draw(&mut buf, area, &theme);
    choice::words(&mut buf, area, &[&long, &long], 1, true, &theme);
    choice::number(&mut buf, area, &long, true, &theme);
    let message = (Tone::Info, long.as_str());
    popup::toasts(&mut buf, area, [message].into_iter(), &theme);
    Input::new(&long).draw(&mut buf, area, true, &theme);
    let axis = graph::Axis {
        top: &long,
        bottom: &long,
        oldest: &long,
        newest: &long,
    };
    graph::draw(&mut buf, area, &[1.0], None, axis, &theme);
    let mut buf = screen(40, 1);
    let area = buf.area;
    popup::toasts(&mut buf, area, [message].into_iter(), &theme);
    assert!(lines(&buf)[0].ends_with('…'));
}
