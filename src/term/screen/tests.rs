use super::*;

#[test]
fn text_lands_where_it_is_printed() {
    let mut screen = Screen::new(3, 10, 100);
    screen.feed(b"one\r\n\x1b[31mtwo");
    assert_eq!(screen.line_text(0), "one");
    assert_eq!(screen.line_text(1), "two");
    assert_eq!(
        screen.row(1).next().map(|it| it.fg),
        Some(Color::Indexed(1))
    );
}
