// Docker's contexts as they stand below its directory of configuration: contexts/meta/ID/meta.json and
// contexts/tls/ID/docker/*.pem, where ID is the digest of the name. davit acts on none that leads elsewhere; that they
// are kept right matters to docker's own program beside it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace davit::cli {

// Files of one context: "meta.json", "tls/docker/ca.pem" → contents.
using ContextFiles = std::map<std::string, std::string>;

// Throws Error(usage): a name that docker takes for none, "default".
void check_context_name(const std::string& name);
bool context_exists(const std::string& name);

struct ContextPlace {
    std::string metadata, tls; // directories
};
ContextPlace place_of_context(const std::string& name);
// endpoint → names of its files: {"docker": {"ca.pem", "cert.pem"}}
std::map<std::string, std::vector<std::string>> tls_files_of_context(const std::string& name);

// What --docker says. Unset: as before, or nothing.
struct DockerEndpoint {
    std::string host;
    bool skip_verify = false;
    std::string ca, cert, key; // files
};
// "host=tcp://x:2376,ca=ca.pem,skip-tls-verify=true", or "from=NAME". Throws Error(usage, not_found).
ContextFiles files_of_endpoint(const std::string& text, const std::string& name, const std::string& description);

// The whole of it, under that name. Throws Error(not_found).
ContextFiles read_context_files(const std::string& name);
// In the place of what was there. The metadata's name becomes `name`.
void write_context_files(const std::string& name, const ContextFiles& files);
// Whether there was one.
bool remove_context_files(const std::string& name);

// `context export`, `import`: a tar of these files. unpack throws Error(usage) for what is none, or holds other files.
std::string pack_context(const ContextFiles& files);
ContextFiles unpack_context(const std::string& archive);

} // namespace davit::cli
