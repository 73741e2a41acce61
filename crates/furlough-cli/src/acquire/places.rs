use super::source::Source;
use std::path::PathBuf;

/// Where to look and where to put: what the environment says, read in one place.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The cache directory, where there is one.
    pub cache: Option<PathBuf>,
    /// In place of a source's own system folder.
    pub system: Option<PathBuf>,
    /// Certificate authorities in place of the built-in ones.
    pub certificates: Option<PathBuf>,
    /// The proxy for downloads.
    pub proxy: Option<ureq::Proxy>,
    /// In place of a source's own address and of the variable that replaces that.
    pub url: Option<String>,
    /// Whether the distribution's package is never asked for.
    pub no_packages: bool,
}

impl Places {
    /// As the process's environment has them. An empty variable counts as one that is not set.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let xdg = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || std::env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".cache"));
        Places {
            cache: variable("FURLOUGH_CACHE")
                .map(PathBuf::from)
                .or_else(|| xdg.or_else(home).map(|base| base.join("furlough"))),
            certificates: variable("SSL_CERT_FILE").map(PathBuf::from),
            proxy: ureq::Proxy::try_from_env(),
            url: None,
            system: None,
            no_packages: false,
        }
    }

    /// The source's folder in the cache.
    pub fn folder(&self, source: &Source) -> Option<PathBuf> {
        self.cache.as_ref().map(|cache| cache.join(source.name))
    }

    /// Where the distribution's package puts the source's files.
    pub fn system(&self, source: &Source) -> PathBuf {
        self.system.clone().unwrap_or_else(|| source.system_folder.into())
    }

    /// The address that the source's files are downloaded from, without a slash at the end.
    pub fn url(&self, source: &Source) -> String {
        let set = std::env::var(source.url_variable).ok().filter(|url| !url.is_empty());
        let url = self.url.clone().or(set).unwrap_or_else(|| source.url.into());
        url.trim_end_matches('/').into()
    }
}
