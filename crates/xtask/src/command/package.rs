//! `cargo xtask package`: what people download instead of building it.
//!
//! One archive per function and one of the command line, the manifest that Terraform and CDK read, a bill of materials,
//! and the checksums of all of them. The same sources and compiler give the same bytes.

mod binary;
mod check;
mod sbom;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use local_cloud::archive::{self, BOOTSTRAP};
use local_cloud::function::{ALL, Binaries, COMMAND_LINE};
use local_cloud::layout;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::CompressionMethod;

/// A processor, named as Lambda names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// AWS Graviton. Costs a fifth less than the other one.
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86,
}

impl Architecture {
    /// This machine's.
    fn host() -> Result<Self> {
        match std::env::consts::ARCH {
            "aarch64" => Ok(Self::Arm64),
            "x86_64" => Ok(Self::X86),
            other => {
                bail!("Lambda runs on no {other}; name an architecture with --architecture, and binaries with --from")
            }
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }
}

/// How the packages are made.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder to write. It must not exist yet, or be empty
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    out: PathBuf,
    /// The processor of the functions [default: this machine's]. Another one needs --from
    #[arg(long, value_enum)]
    architecture: Option<Architecture>,
    /// Pack binaries that are built already instead of building them: FOLDER/NAME or FOLDER/NAME/bootstrap, as
    /// `cargo lambda build` leaves them in target/lambda
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

/// Builds, packs, and tries what was packed.
///
/// # Errors
///
/// Something does not build, is not for the processor, or does not run; the message says what.
pub(crate) async fn run(options: Options) -> Result<()> {
    let host = Architecture::host().ok();
    let architecture = options.architecture.or(host).context("name an architecture with --architecture")?;
    must_be_empty(&options.out)?;
    if options.from.is_none() && Some(architecture) != host {
        bail!(
            "this machine builds for its own processor only. Build with `cargo lambda build --release --{}`, then run \
             `cargo xtask package --architecture {} --from target/lambda`",
            architecture.name().replace('_', "-"),
            architecture.name()
        );
    }
    let binaries = match &options.from {
        Some(folder) => found_in(folder)?,
        None => built().await?,
    };
    for (name, path) in &binaries {
        binary::must_run_on_lambda(path, architecture).with_context(|| format!("{name} cannot be packed"))?;
    }
    std::fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    let mut packages = Vec::new();
    for (name, path) in &binaries {
        let inside = if *name == COMMAND_LINE { COMMAND_LINE } else { BOOTSTRAP };
        let bytes = archive::pack(path, inside, CompressionMethod::Deflated)?;
        let file = format!("{name}-{}.zip", architecture.name());
        write(&options.out, &file, &bytes)?;
        packages.push(json!({
            "name": name,
            "architecture": architecture.name(),
            "file": file,
            "bytes": bytes.len(),
            "sha256": hexadecimal(&bytes),
        }));
    }
    let names: Vec<_> = binaries.iter().map(|(name, _)| *name).collect();
    write(&options.out, "manifest.json", &manifest(&packages)?)?;
    write(&options.out, "sbom.cdx.json", &sbom::make(&names).await?)?;
    sum(&options.out)?;
    if Some(architecture) == host {
        check::each_package_runs(&options.out, architecture).await?;
    } else {
        println!("Not tried: this machine does not run programs for {}.", architecture.name());
    }
    println!("The packages are in {}.", options.out.display());
    Ok(())
}

/// Each program's name and binary.
type Programs = Vec<(&'static str, PathBuf)>;

/// Every function and the command line.
fn programs(path: impl Fn(&'static str) -> Result<PathBuf>) -> Result<Programs> {
    ALL.into_iter().chain([COMMAND_LINE]).map(|name| Ok((name, path(name)?))).collect()
}

/// Builds everything as it is deployed.
async fn built() -> Result<Programs> {
    let binaries = Binaries::build_release().await?;
    programs(|name| Ok(binaries.path(name)?.to_owned()))
}

fn found_in(folder: &Path) -> Result<Programs> {
    programs(|name| {
        let paths = [folder.join(name).join(BOOTSTRAP), folder.join(name)];
        paths.into_iter().find(|path| path.is_file()).with_context(|| {
            format!("{0} has neither {name} nor {name}/bootstrap; build it with `cargo lambda build`", folder.display())
        })
    })
}

fn must_be_empty(folder: &Path) -> Result<()> {
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty; remove it, or choose another folder with --out", folder.display());
    }
    Ok(())
}

fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(file);
    std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    println!("{:>9} bytes  {file}", bytes.len());
    Ok(())
}

/// `deploy/manifest.json`, with the version and what was packed.
fn manifest(packages: &[Value]) -> Result<Vec<u8>> {
    let path = layout::root().join("deploy/manifest.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut manifest: Value = serde_json::from_str(&text)?;
    manifest["version"] = json!(env!("CARGO_PKG_VERSION"));
    manifest["packages"] = json!(packages);
    Ok(format!("{manifest:#}\n").into_bytes())
}

/// Writes the checksums of every file, in the form that `sha256sum --check` reads.
fn sum(folder: &Path) -> Result<()> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    files.sort();
    let mut sums = String::new();
    for file in files {
        let bytes = std::fs::read(folder.join(&file))?;
        writeln!(sums, "{}  {}", hexadecimal(&bytes), file.display())?;
    }
    write(folder, "SHA256SUMS", sums.as_bytes())
}

/// The SHA-256 of bytes in hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}
