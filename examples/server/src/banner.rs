//! What the server tells the operator once it serves.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::assembly::Assembly;
use crate::data_dir;
use crate::settings::Settings;
use crate::shell::{program, quoted};

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
         \n  {} token greenhouse-7 --data-dir {}\n\
         \nCtrl-C ends the server.\n\n",
        program("fieldgate-server"),
        quoted(&absolute(&settings.data_dir).to_string_lossy())
    );
    text
}

/// Good in a terminal that is in another directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
