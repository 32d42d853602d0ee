//! The `huntgate` command.

fn main() -> std::process::ExitCode {
    huntgate::cli::run()
}
