//! New task ids: readable at the front, unique at the end.
//!
//! The random part makes two people who add the same title on two machines get two tasks. It comes
//! from the caller, so that this stays a function of its arguments.

use super::id::TaskId;

/// How many random bytes an id takes; each becomes one character.
pub const ID_RANDOM_BYTES: usize = 4;

/// The longest slug in front of the random part: what still reads as a branch name in a terminal.
const SLUG_BYTES_MAX: usize = 40;

/// 32 characters, so that a byte maps evenly, without those that are read as each other (0 and o, 1 and l).
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Letters that lose an accent, and those that become two letters; anything else outside ASCII is a gap.
const FOLDED: &[(&str, &str)] = &[
    ("àáâãåāăą", "a"),
    ("äæ", "ae"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľł", "l"),
    ("ñńņň", "n"),
    ("òóôõøōŏő", "o"),
    ("öœ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşš", "s"),
    ("ß", "ss"),
    ("ţťŧþ", "t"),
    ("ùúûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
];

/// Returns a new id: the title as a slug of at most 40 characters, a hyphen, four random characters.
///
/// A title without a single ASCII-like letter or digit becomes `task-<random>`.
pub fn new_task_id(title: &str, random: [u8; ID_RANDOM_BYTES]) -> TaskId {
    let slug = slug(title);
    let tail: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    #[expect(clippy::expect_used, reason = "this works because a slug is empty or [a-z0-9-] and short")]
    format!("{slug}-{tail}").parse().expect("because a slug and four characters of the alphabet are an id")
}

fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in words(title) {
        let hyphen = usize::from(!slug.is_empty());
        if slug.len() + hyphen + word.len() > SLUG_BYTES_MAX {
            break;
        }
        if hyphen == 1 {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    match (slug.is_empty(), words(title).next()) {
        (false, _) => slug,
        (true, Some(word)) => word.chars().take(SLUG_BYTES_MAX).collect(),
        (true, None) => "task".to_owned(),
    }
}

/// Returns the words of a title in lowercase ASCII. An apostrophe joins, as in "don't".
fn words(title: &str) -> impl Iterator<Item = String> {
    let mut ascii = String::with_capacity(title.len());
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            ascii.push(letter);
        } else if !matches!(letter, '\'' | '’') {
            ascii.push_str(FOLDED.iter().find(|(from, _)| from.contains(letter)).map_or(" ", |(_, to)| to));
        }
    }
    ascii.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(title: &str) -> String {
        new_task_id(title, [0, 1, 30, 31]).to_string()
    }

    #[test]
    fn an_id_is_the_title_as_a_slug_and_four_random_characters() {
        assert_eq!(id("Fix the login redirect"), "fix-the-login-redirect-ab89");
        assert_eq!(id("  Don't   panic: v2.0 (really!) "), "dont-panic-v2-0-really-ab89");
        assert_eq!(id("Größe ändern, straße"), "groesse-aendern-strasse-ab89");
    }

    #[test]
    fn a_long_title_is_cut_between_words() {
        let title = "Replace the hand written configuration parser by something";
        assert_eq!(id(title), "replace-the-hand-written-configuration-ab89");
        assert_eq!(id(&"x".repeat(90)), format!("{}-ab89", "x".repeat(40)));
    }

    #[test]
    fn a_title_without_letters_is_still_a_task() {
        assert_eq!(id("修复登录"), "task-ab89");
        assert_eq!(id("---"), "task-ab89");
    }

    proptest::proptest! {
        #[test]
        fn every_title_has_an_id(title in ".*", random in proptest::array::uniform4(0u8..)) {
            new_task_id(&title, random);
        }
    }
}
