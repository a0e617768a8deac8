use super::*;

#[test]
fn every_embedded_theme_is_read_without_a_problem() {
    for (name, text) in EMBEDDED {
        let (file, problems) = ThemeFile::parse(text);
        assert_eq!(problems, Vec::new(), "{name}");
        assert_eq!(file.name, name);
    }
}
