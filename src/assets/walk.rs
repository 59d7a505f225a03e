//! The files in a folder, in the same order everywhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::AssetError;

/// A file in a folder of assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its path below the folder, with `/` between segments.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// List the regular files below a folder, sorted by their names. What begins with a dot is left out.
///
/// # Errors
///
/// If the folder, or one in it, can't be read; if a symbolic link leads out of the folder, into a folder that it
/// is in, or nowhere; if a name is not UTF-8.
pub(super) fn walk(folder: &Path) -> Result<Vec<Found>, AssetError> {
    let root = fs::canonicalize(folder).map_err(|error| AssetError::reading(folder, &error))?;
    let mut all = Vec::new();
    let mut above = vec![root.clone()];
    into(&root, &root, "", &mut above, &mut all)?;
    all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn into(
    root: &Path,
    folder: &Path,
    prefix: &str,
    above: &mut Vec<PathBuf>,
    all: &mut Vec<Found>,
) -> Result<(), AssetError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| AssetError::reading(&path, &error)
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let mut path = entry.path();
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let Some(name) = name.to_str() else {
            return Err(AssetError::new(&path, "the name is not UTF-8, so no URL can be told for it"));
        };
        let name = format!("{prefix}{name}");
        let mut kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_symlink() {
            let target = fs::canonicalize(&path).map_err(failed(&path))?;
            if !target.starts_with(root) {
                let reason = format!(
                    "it is a symbolic link to {}, outside the folder: copy what shall be served into it",
                    target.display()
                );
                return Err(AssetError::new(&path, reason));
            }
            kind = fs::metadata(&target).map_err(failed(&path))?.file_type();
            path = target;
        }
        if kind.is_dir() {
            if above.contains(&path) {
                return Err(AssetError::new(&path, "a symbolic link in it leads back to it"));
            }
            above.push(path.clone());
            into(root, &path, &format!("{name}/"), above, all)?;
            above.pop();
        } else if kind.is_file() {
            all.push(Found { name, path });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_sorted_and_dotfiles_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/z.css", "a.css", "b/.htaccess", ".git/config", "a/c", "B"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        symlink("a.css", folder.path().join("link.css")).unwrap();
        symlink("b", folder.path().join("c")).unwrap();
        let names: Vec<_> = walk(folder.path()).unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["B", "a.css", "a/c", "b/z.css", "c/z.css", "link.css"]);
    }

    #[test]
    fn links_that_leave_the_folder_loop_or_lead_nowhere_are_refused() {
        for (target, want) in [
            ("/etc/passwd", "outside the folder"),
            ("..", "outside"),
            (".", "leads back"),
            ("none", "No such"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            symlink(target, folder.path().join("link")).unwrap();
            let error = walk(folder.path()).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
        assert!(walk(Path::new("/no/such/folder")).unwrap_err().to_string().starts_with("/no/such/folder: "));
    }
}
