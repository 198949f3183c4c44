//! Files on top of files: what is laid upon what, and which file `extends` another.
//!
//! A recipe says only what it changes. The file it stands on is named in it, beside it, so that one `--config` is enough and the
//! two can be moved together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tree::{Layer, Tree, Value};
use super::{Error, mapping};

/// The key that names the file below.
const EXTENDS: &str = "extends";
/// More files on top of one another are a circle.
const MOST: usize = 8;

/// Reads `files` in order, each on top of those before it; gives the number of layers as well.
pub(super) fn stacked<P: AsRef<Path>>(files: &[P]) -> Result<(Tree, usize), Error> {
    let (mut tree, mut layers) = (Tree::empty(), 0);
    for path in files {
        for layer in chain(path.as_ref(), &mut layers)? {
            tree.lay(layer);
        }
    }
    Ok((tree, layers))
}

/// The file `path` and those it extends, the lowest first.
fn chain(path: &Path, layers: &mut usize) -> Result<Vec<Tree>, Error> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    let mut next = Some(path.to_path_buf());
    while let Some(path) = next {
        let text =
            std::fs::read_to_string(&path).map_err(|source| Error::Disk { path: path.clone(), source })?;
        let tree = parsed(&path, &text, 0)?;
        next = base(&tree)?.map(|base| path.parent().unwrap_or(Path::new("")).join(base));
        files.push((path, text));
        if files.len() > MOST {
            let place = tree.place_of(&[EXTENDS]).clone();
            return Err(Error::Yaml { place, why: format!("more than {MOST} files extend one another") });
        }
    }
    let mut chain = Vec::new();
    // Which of two layers is the higher one is known only now.
    for (path, text) in files.into_iter().rev() {
        let mut tree = parsed(&path, &text, *layers)?;
        if let Value::Map(entries) = &mut tree.value {
            entries.retain(|(key, _)| key.name != EXTENDS);
        }
        *layers += 1;
        chain.push(tree);
    }
    Ok(chain)
}

fn parsed(path: &Path, text: &str, order: usize) -> Result<Tree, Error> {
    let layer = Arc::new(Layer { name: path.display().to_string(), order });
    mapping(Tree::parse(text, &layer)?, "a file of settings")
}

/// The file that is extended.
fn base(tree: &Tree) -> Result<Option<&str>, Error> {
    match tree.get(EXTENDS).map(|node| (&node.value, &node.place)) {
        None => Ok(None),
        Some((Value::Text(name), _)) => Ok(Some(name)),
        Some((_, place)) => {
            let why = "it reads `extends: robot.yaml`, a file beside this one".to_owned();
            Err(Error::Setting { place: place.clone(), key: EXTENDS.to_owned(), why })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_upon_the_one_it_extends_and_mistakes_are_named_where_they_stand()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("robot.yaml", "robot: {name: a, joints: [x]}\nrate: 3\n")?;
        std::fs::create_dir(folder.path().join("recipes"))?;
        write("recipes/one.yaml", "extends: ../robot.yaml\nrobot: {name: b}\n")?;
        write("recipes/two.yaml", "extends: one.yaml\nrate: 5\n")?;
        let (tree, layers) = stacked(&[folder.path().join("recipes/two.yaml")])?;
        assert_eq!(layers, 3);
        let value = |path: &[&str]| {
            path.iter().try_fold(&tree, |node, key| node.get(key)).map(|node| node.value.clone())
        };
        assert_eq!(value(&["robot", "name"]), Some(Value::Text("b".into())));
        assert!(value(&["robot", "joints"]).is_some() && value(&["extends"]).is_none());
        assert!(tree.place_of(&["rate"]).to_string().ends_with("recipes/two.yaml:2:7"));

        write("circle.yaml", "extends: circle.yaml\n")?;
        let error = stacked(&[folder.path().join("circle.yaml")]).expect_err("it never ends").to_string();
        assert!(error.contains("circle.yaml:1:10: more than 8 files"), "{error}");
        write("list.yaml", "extends: [a, b]\n")?;
        let error = stacked(&[folder.path().join("list.yaml")]).expect_err("it names no file").to_string();
        assert!(error.contains("extends: it reads"), "{error}");
        Ok(())
    }
}
