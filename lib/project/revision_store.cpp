#include "project/revision_store.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hmac.hpp"
#include "base/sys.hpp"
#include "project/json_fields.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <unistd.h>

namespace davit {

DAVIT_JSON_ENUM(RevisionContent::Kind, {RevisionContent::Kind::config, "config"},
                {RevisionContent::Kind::secret, "secret"})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RevisionImage, service, reference, id, digest)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RevisionContent, kind, key, hash, size, environment, file)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Revision, format, project, number, created, command, changes, keep,
                                                working_dir, config_files, scale, images, contents)

namespace {

constexpr int kept_unless_said = 5;
constexpr std::size_t hash_digits = 64;

void remove_file(const std::string& path) {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "removing {}", path);
}

// Whole on the disk before the first hash is made with it: without its key a history could not be matched.
std::string machine_key(const RevisionPaths& paths) {
    if (auto key = read_file_if_exists(paths.key()); key && !key->empty()) return *key;
    sys::make_dirs(paths.root, 0700);
    const FileLock lock = FileLock::acquire(paths.lock());
    if (auto key = read_file_if_exists(paths.key()); key && !key->empty()) return *key;
    std::string key = sys::random_hex(hash_digits);
    write_file_atomic(paths.key(), key, 0600);
    return key;
}

// The first document, and where the second begins. Empty: torn, or of a newer davit.
struct Parsed {
    Revision revision;
    std::string_view model;
};
std::optional<Parsed> split_documents(const std::string& text) {
    const auto end = text.find('\n');
    if (end == std::string::npos) return std::nullopt;
    try {
        const auto head = json::parse_text(std::string_view(text).substr(0, end));
        Parsed out{head.get<Revision>(), std::string_view(text).substr(end + 1)};
        if (out.revision.format > revision_format || head.value("model_size", std::size_t{0}) != out.model.size())
            return std::nullopt;
        return out;
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    } catch (const Error&) { // a word that this davit does not know
        return std::nullopt;
    }
}

} // namespace

std::optional<int> revisions_from_environment() {
    const char* text = std::getenv("DAVIT_REVISIONS");
    if (!text || !*text) return std::nullopt;
    const std::string_view all = text;
    int number = 0;
    const auto [end, failed] = std::from_chars(all.data(), all.data() + all.size(), number);
    if (failed != std::errc() || end != all.data() + all.size() || number < 0 || number > most_revisions)
        throw error(Errc::usage, "DAVIT_REVISIONS is \"{}\"", all)
            .with_hint(fmt::format("how many revisions are kept whole: 0 (no history is made) to {}", most_revisions));
    return number;
}

int kept_now() { return revisions_from_environment().value_or(kept_unless_said); }

std::vector<std::string> owners_of_revisions(const Roots& roots) { return list_directory(RevisionPaths(roots).root); }

RevisionStore::RevisionStore(const Roots& roots, const std::string& owner)
    : paths_(roots), directory_(paths_.directory(owner)) {
    check_name("project", owner);
}

std::vector<int> RevisionStore::numbers() const {
    constexpr std::string_view ending = ".revision";
    std::vector<int> out;
    for (const std::string& name : list_directory(directory_)) {
        if (!name.ends_with(ending)) continue;
        int number = 0;
        const char* stop = name.data() + name.size() - ending.size();
        if (std::from_chars(name.data(), stop, number).ptr == stop && number > 0) out.push_back(number);
    }
    std::sort(out.begin(), out.end());
    return out;
}

int RevisionStore::last() const {
    const auto all = numbers();
    return all.empty() ? 0 : all.back();
}

std::optional<Revision> RevisionStore::read(int number) const {
    const auto text = read_file_if_exists(file(number));
    auto parsed = text ? split_documents(*text) : std::nullopt;
    if (!parsed) return std::nullopt;
    parsed->revision.model = parsed->model;
    parsed->revision.failed = read_file_if_exists(failure(number)).value_or("");
    return std::move(parsed->revision);
}

std::optional<Revision> RevisionStore::head(int number) const {
    auto out = read(number);
    if (out) out->model.clear();
    return out;
}

std::vector<Revision> RevisionStore::heads() const {
    std::vector<Revision> out;
    for (const int number : numbers())
        if (auto revision = head(number)) out.push_back(std::move(*revision));
    return out;
}

int RevisionStore::keep() const {
    if (const auto said = revisions_from_environment()) return *said;
    const auto newest = head(last());
    return newest && newest->keep > 0 ? newest->keep : kept_unless_said;
}

std::vector<Revision> RevisionStore::kept() const {
    std::vector<Revision> all = heads();
    const auto count = std::min(all.size(), static_cast<std::size_t>(keep()));
    return {std::make_move_iterator(all.end() - static_cast<std::ptrdiff_t>(count)),
            std::make_move_iterator(all.end())};
}

FileLock RevisionStore::lock() const {
    sys::make_dirs(paths_.root, 0700);
    return FileLock::acquire(paths_.numbers());
}

void RevisionStore::write(const Revision& revision) const {
    json::Value head = revision;
    head["model_size"] = revision.model.size();
    write_file_making(file(revision.number), json::dump(head) + "\n" + revision.model, 0600, false);
}

bool RevisionStore::has_failed(int number) const { return exists(failure(number)); }

void RevisionStore::fail(int number, const std::string& why) const {
    write_file_atomic(failure(number), why, 0600, false);
}

void RevisionStore::unfail(int number) const { remove_file(failure(number)); }

void RevisionStore::remove(int number) const {
    remove_file(file(number));
    remove_file(failure(number));
}

void RevisionStore::remove_all() const { sys::remove_tree(directory_); }

std::string machine_hash_key(const std::string& state_dir) {
    Roots roots = Roots::from_environment();
    if (!state_dir.empty()) roots.state = state_dir;
    return machine_key(RevisionPaths(roots));
}

std::string RevisionStore::hash(std::string_view content) const {
    if (key_.empty()) key_ = machine_key(paths_);
    return hmac_sha256_hex(key_, content);
}

std::string RevisionStore::content_file(const std::string& hash) const {
    if (hash.size() != hash_digits || hash.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw error(Errc::failed, "'{}' is not the hash of a content", hash);
    return contents() + "/" + hash;
}

void RevisionStore::keep_content(const std::string& hash, std::string_view content) const {
    const std::string path = content_file(hash);
    if (exists(path)) return;
    write_file_making(path, content, 0600, false);
}

std::optional<std::string> RevisionStore::content(const std::string& hash) const {
    auto out = read_file_if_exists(content_file(hash));
    if (out && this->hash(*out) != hash) return std::nullopt; // torn, or somebody has written to it
    return out;
}

bool RevisionStore::has_contents_but(const std::set<std::string>& hashes) const {
    const auto there = list_directory(contents());
    return std::any_of(there.begin(), there.end(), [&](const auto& name) { return hashes.count(name) == 0; });
}

std::uint64_t RevisionStore::collect_contents() const {
    const auto there = list_directory(contents());
    if (there.empty()) return 0;
    std::set<std::string> named;
    for (const Revision& revision : kept())
        for (const auto& content : revision.contents) named.insert(content.hash);
    std::uint64_t freed = 0;
    for (const std::string& name : there) {
        if (named.count(name)) continue;
        freed += read_file_if_exists(contents() + "/" + name).value_or("").size();
        remove_file(contents() + "/" + name);
    }
    ::rmdir(contents().c_str()); // with the last one
    return freed;
}

} // namespace davit
