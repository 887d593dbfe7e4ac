//! The bundled Fieldgate server: a host like any other, and what a newcomer runs.

mod api_client;
mod arriving;
mod assembly;
mod background;
mod backup_command;
mod banner;
mod bootstrap;
mod ca_command;
mod check_command;
mod cli;
mod connections;
mod data_dir;
mod failure;
mod http_server;
mod key_files;
mod log;
mod manifest;
mod migrate_command;
mod mqtt_metrics;
mod ops;
mod private_file;
mod progress;
mod restore_command;
mod sealed_keys;
mod serve;
mod server_calls;
mod settings;
mod shell;
mod shutdown;
mod storage;
mod tls;
mod token_command;
mod transfer;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::cli::{Ca, Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = std::io::stderr().lock();
            let _ = writeln!(stderr, "fieldgate-server: {}", failure.line());
            failure.exit_code()
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    // Whatever is written from here on is the own user's alone.
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    let settings = cli.settings()?;
    match &cli.command {
        Some(Command::Config) => print(&settings.describe()),
        Some(Command::Ca(Ca::Show)) => print(&ca_command::show(&settings.data_dir)?),
        Some(Command::Token(token)) => {
            print(&runtime()?.block_on(token_command::mint(&settings, token))?)
        }
        Some(Command::Backup(backup)) => {
            print(&runtime()?.block_on(backup_command::back_up(&settings, backup))?)
        }
        Some(Command::Restore(restore)) => {
            print(&runtime()?.block_on(restore_command::restore(&settings, restore))?)
        }
        Some(Command::Migrate(migrate)) => {
            let to = migrate.to.parse();
            // It may hold a password, so it is not repeated.
            let to = to.map_err(|reason| Failure::configuration(format!("--to: {reason}")))?;
            print(&runtime()?.block_on(migrate_command::migrate(&settings, &to))?)
        }
        Some(Command::Check) => runtime()?.block_on(check_command::check(&settings)),
        Some(Command::Serve) | None => runtime()?.block_on(serve::serve(&settings, cli.ready_json)),
    }
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("standard output cannot be written")?;
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    Ok(runtime.context("the runtime cannot be started")?)
}
