//! `cargo xtask package`: what people download instead of building it.
//!
//! One archive per function and one of the command line, the SAM templates with these archives, the manifest that Terraform
//! and CDK read, a bill of materials, and the checksums of all of them. The same binaries give the same bytes.

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
use local_cloud::stack::template::TemplateFile;
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
    /// That of a machine which makes and runs programs for Lambda: Linux on one of the two processors.
    fn of(system: &str, processor: &str) -> Option<Self> {
        match (system, processor) {
            ("linux", "aarch64") => Some(Self::Arm64),
            ("linux", "x86_64") => Some(Self::X86),
            _ => None,
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
    /// The processor of the functions [default: this machine's, if it has Linux]. Another one needs --from
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
    let host = Architecture::of(std::env::consts::OS, std::env::consts::ARCH);
    let architecture = chosen(&options, host)?;
    must_be_empty(&options.out)?;
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
    for template in TemplateFile::ALL {
        write(&options.out, template.file(), template.packed(architecture.name())?.as_bytes())?;
    }
    write(&options.out, "manifest.json", &manifest(&packages)?)?;
    write(&options.out, "sbom.cdx.json", &sbom::make(&names).await?)?;
    sum(&options.out)?;
    if Some(architecture) == host {
        check::each_package_runs(&options.out, architecture).await?;
    } else {
        println!("Not tried: this machine does not run Linux programs for {}.", architecture.name());
    }
    println!("The packages are in {}.", options.out.display());
    Ok(())
}

/// The processor to pack for.
///
/// # Errors
///
/// None is named where there is none of this machine's, or it cannot be built for here; the message says what to do.
fn chosen(options: &Options, host: Option<Architecture>) -> Result<Architecture> {
    let architecture = options.architecture.or(host);
    if options.from.is_some() || architecture == host && host.is_some() {
        return architecture.context("name the processor of these binaries with --architecture");
    }
    let name = architecture.unwrap_or(Architecture::Arm64).name();
    bail!(
        "this machine cannot build for {}. Build with `cargo lambda build --release --{}`, then run `cargo xtask package \
         --architecture {name} --from target/lambda`",
        architecture.map_or("Lambda", Architecture::name),
        name.replace('_', "-")
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_on(
        system: &str,
        processor: &str,
        architecture: Option<Architecture>,
        from: bool,
    ) -> Result<Architecture> {
        let from = from.then(|| PathBuf::from("target/lambda"));
        chosen(&Options { out: PathBuf::new(), architecture, from }, Architecture::of(system, processor))
    }

    #[test]
    fn only_linux_builds_for_its_own_processor_and_any_machine_packs_what_was_built() {
        let (arm, x86) = (Architecture::Arm64, Architecture::X86);
        assert_eq!(chosen_on("linux", "aarch64", None, false).unwrap(), arm);
        assert_eq!(chosen_on("linux", "x86_64", None, true).unwrap(), x86);
        assert_eq!(chosen_on("macos", "aarch64", Some(arm), true).unwrap(), arm);
        for (system, architecture) in [("macos", None), ("macos", Some(arm)), ("linux", Some(x86)), ("windows", None)] {
            let refused = chosen_on(system, "aarch64", architecture, false).unwrap_err().to_string();
            let name = architecture.map_or("arm64", Architecture::name);
            let built = format!("cargo lambda build --release --{}", name.replace('_', "-"));
            assert!(
                refused.contains(&built) && refused.contains(&format!("--architecture {name} --from")),
                "{refused}"
            );
        }
        assert!(chosen_on("macos", "aarch64", None, true).unwrap_err().to_string().contains("--architecture"));
    }
}
