//! What the server tells the operator once it serves.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::assembly::Assembly;
use crate::data_dir;
use crate::settings::Settings;

/// The addresses, the CA's fingerprint, where the key is, and what to do next.
///
/// The key itself is shown to a terminal only, and on the first start only: what a service manager
/// takes down stays in its log.
pub(crate) fn banner(
    settings: &Settings,
    http: &str,
    https: &str,
    mqtt: &str,
    assembly: &Assembly,
) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2048));
    let fingerprint = assembly.fieldgate.ca().root_fingerprint();
    let key_file = data_dir::admin_key(&settings.data_dir);
    let _ = write!(
        text,
        "Fieldgate {version} is serving.\n\
         \n  API here         {http}\
         \n  API over TLS     {https}\
         \n  Devices (MQTT)   {mqtt}\
         \n  Documentation    {http}/docs\
         \n  Storage          {storage}\
         \n  CA fingerprint   {fingerprint}\
         \n  Admin key        {key}\n",
        version = env!("CARGO_PKG_VERSION"),
        storage = settings.storage.masked(),
        key = key_file.display(),
    );
    if let Some(key) = &assembly.bootstrapped.admin_key
        && std::io::stdout().is_terminal()
    {
        let _ = write!(
            text,
            "\nThis is the first start. The key of the organization `default`, shown this once:\n\
             \n  {}\n",
            key.as_str()
        );
    }
    let _ = write!(
        text,
        "\nTo register a device and get its one-time token, in another terminal:\n\
         \n  fieldgate-server token greenhouse-7 --data-dir {}\n\
         \nCtrl-C ends the server.\n\n",
        quoted(&absolute(&settings.data_dir).to_string_lossy())
    );
    text
}

/// Good in a terminal that is in another directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A text as one word of a shell, in quotes only where it needs them.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("/var/lib/fieldgate-1"), "/var/lib/fieldgate-1");
        assert_eq!(quoted("/a b/$(x)"), "'/a b/$(x)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
