#include "registry/login.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_depth.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "registry/client.hpp"
#include "registry/credential_helper.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace davit::registry {

namespace {

using OrderedJson = nlohmann::ordered_json;

// Docker's config.json, changed by one process at a time.
class ConfigFile {
public:
    explicit ConfigFile(const std::string& path) : path_(path) {
        std::error_code unknown;
        if (std::filesystem::is_symlink(path_, unknown)) // somebody keeps it elsewhere: it stays a link
            path_ = std::filesystem::weakly_canonical(path_, unknown).string();
        const std::string directory = path_.substr(0, path_.find_last_of('/'));
        sys::make_dirs(directory, 0700);
        lock_ = sys::open(directory, O_RDONLY | O_DIRECTORY);
        if (::flock(lock_.get(), LOCK_EX) < 0) throw sys_error(errno, "locking {}", directory);
        old_ = sys::open_if_exists(path_, O_RDONLY);
        json = OrderedJson::object();
        if (!old_) return;
        const std::string text = sys::read_all(old_.get());
        if (text.find_first_not_of(" \t\r\n") == std::string::npos) return;
        json = parse_untrusted_as<OrderedJson>(text);
        if (!json.is_object())
            throw error(Errc::failed, "{} is no JSON object", path_).with_hint("correct the file, or move it away");
    }

    void write() {
        WholeFile file(path_);
        struct stat st {};
        // sudo: the file stays its owner's.
        if (old_ && ::fstat(old_.get(), &st) == 0 && st.st_uid != ::geteuid() &&
            ::fchown(file.fd(), st.st_uid, st.st_gid) < 0)
            throw sys_error(errno, "giving {} to its owner", path_);
        sys::write_all(file.fd(), json.dump(1, '\t', false, OrderedJson::error_handler_t::replace) + "\n");
        if (::fsync(file.fd()) < 0) throw sys_error(errno, "writing {}", path_);
        file.finish();
    }

    OrderedJson& auths() {
        if (!json["auths"].is_object()) json["auths"] = OrderedJson::object();
        return json["auths"];
    }

    // Whether there was one. Old spellings of its name would win over a new entry.
    bool erase(const std::string& domain) {
        std::vector<std::string> keys;
        if (json.contains("auths") && json["auths"].is_object())
            for (const auto& [key, entry] : json["auths"].items())
                if (same_registry(key, domain)) keys.push_back(key);
        for (const auto& key : keys) json["auths"].erase(key);
        return !keys.empty();
    }

    std::string helper_for(const std::string& domain) const {
        if (const auto helpers = json.find("credHelpers"); helpers != json.end() && helpers->is_object())
            for (const auto& [key, helper] : helpers->items())
                if (same_registry(key, domain) && helper.is_string()) return helper.get<std::string>();
        const auto store = json.find("credsStore");
        return store != json.end() && store->is_string() ? store->get<std::string>() : "";
    }

    const std::string& path() const { return path_; }
    OrderedJson json;

private:
    std::string path_;
    UniqueFd lock_, old_;
};

void store_by_helper(const std::string& helper, const std::string& domain, const Credentials& credentials,
                     const std::stop_token& stop) {
    const bool token = !credentials.identity_token.empty();
    const OrderedJson entry{{"ServerURL", key_of_registry(domain)},
                            {"Username", token ? "<token>" : credentials.username},
                            {"Secret", token ? credentials.identity_token : credentials.password}};
    run_credential_helper(helper, "store", entry.dump(), domain, stop);
}

} // namespace

void check_login(const std::string& domain, const Credentials& credentials, const RegistryOptions& options) {
    RegistryOptions how = options;
    how.credentials = [&](const std::string&, const std::string&, const std::stop_token&) { return credentials; };
    RegistryClient client(registry_endpoint(domain, how.insecure_registries), "", how, Purpose::login);
    client.send({.method = "GET", .path = ""});
}

std::string docker_config_file() {
    if (const char* directory = std::getenv("DOCKER_CONFIG"); directory && *directory)
        return std::string(directory) + "/config.json";
    const char* home = std::getenv("HOME");
    if (!home || !*home)
        throw error(Errc::usage, "neither DOCKER_CONFIG nor HOME is set: there is no place for config.json");
    return std::string(home) + "/.docker/config.json";
}

KeptLogin keep_login(const std::string& config_file, const std::string& domain, const Credentials& credentials,
                     const std::stop_token& stop) {
    ConfigFile config(config_file);
    const std::string helper = config.helper_for(domain), key = key_of_registry(domain);
    if (!helper.empty()) store_by_helper(helper, domain, credentials, stop);
    config.erase(domain);
    OrderedJson entry = OrderedJson::object(); // with a helper: that there is something, and no more
    if (helper.empty() && !credentials.identity_token.empty()) entry["identitytoken"] = credentials.identity_token;
    else if (helper.empty()) entry["auth"] = base64_encode(credentials.username + ":" + credentials.password);
    config.auths()[key] = std::move(entry);
    config.write();
    return {helper.empty() ? config.path() : "docker-credential-" + helper, helper.empty()};
}

bool forget_login(const std::string& config_file, const std::string& domain, const std::stop_token& stop) {
    std::error_code unknown;
    if (!std::filesystem::exists(config_file, unknown)) return false;
    ConfigFile config(config_file);
    bool known = false;
    if (const std::string helper = config.helper_for(domain); !helper.empty())
        known = run_credential_helper(helper, "erase", key_of_registry(domain), domain, stop).has_value();
    if (config.erase(domain)) {
        config.write();
        known = true;
    }
    return known;
}

} // namespace davit::registry
