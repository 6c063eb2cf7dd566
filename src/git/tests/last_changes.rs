//! The last commit that changed a file, asked for one file and for many.

use super::Fixture;
use crate::git::FileContent;

#[test]
fn many_files_are_told_the_same_commits_as_each_of_them_alone() {
    let fixture = Fixture::new();
    let text = |name: &str| format!("text of {name}\n");
    for name in ["a", "b", "c"] {
        fixture.write(&format!("folder/{name}"), &text(name));
        fixture.commit_all(&format!("Add {name}"));
    }
    fixture.git(&["checkout", "--quiet", "-b", "side"]);
    fixture.write("folder/a", "theirs\n");
    fixture.commit_all("Theirs");
    fixture.git(&["checkout", "--quiet", "-"]);
    fixture.write("folder/b", "ours\n");
    fixture.commit_all("Ours");
    // Nothing of the other side is taken, though its commit is the newer one.
    fixture.git(&["merge", "--quiet", "--strategy=ours", "--no-edit", "side"]);
    fixture.git(&["rm", "--quiet", "folder/c"]);
    fixture.git(&["commit", "--quiet", "--message=Remove c"]);
    let repository = fixture.repository();
    let (few, many) = (repository.last_changes("folder", 1), repository.last_changes("folder", 1000));
    for (name, title) in [("a", Some("Add a")), ("b", Some("Ours")), ("c", Some("Remove c")), ("d", None)] {
        let content = FileContent::of(text(name).as_bytes()).unwrap();
        let found = many.of(name, &content).unwrap();
        assert_eq!(found, few.of(name, &content).unwrap(), "{name}");
        let found_title =
            found.as_ref().map(|found| repository.commit_summary(found.id).unwrap().title.clone());
        assert_eq!(found_title.as_deref(), title, "{name}");
        assert_eq!(found.is_some_and(|found| found.holds_the_file), name == "a", "{name}");
    }
}
