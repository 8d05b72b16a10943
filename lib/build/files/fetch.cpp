#include "build/files/fetch.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "build/files/http_memory.hpp"
#include "build/files/locate.hpp"
#include "build/files/tree_walk.hpp"
#include "build/files/unpack.hpp"
#include "remote/git_fetch.hpp"
#include "remote/git_ref.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::build {

namespace {

bool is_web_address(std::string_view text) { return text.starts_with("http://") || text.starts_with("https://"); }

bool truth(std::string_view text, std::string_view whole) {
    for (const std::string_view yes : {"", "1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    throw error(Errc::usage, "'{}' in {} is neither true nor false", text, whole);
}

// Each key once, decoded as a form's.
std::map<std::string, std::string> query_of(std::string_view query, std::string_view whole) {
    std::map<std::string, std::string> out;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto decoded = [](std::string_view text) {
            std::string plain(text);
            std::replace(plain.begin(), plain.end(), '+', ' ');
            return percent_decode(plain);
        };
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string key = decoded(pair.substr(0, equals));
        const bool fresh = out.emplace(key, decoded(pair.substr(std::min(equals + 1, pair.size())))).second;
        if (!fresh) throw error(Errc::usage, "{} names '{}' twice", whole, key);
    }
    return out;
}

void set_once(std::string& to, const std::string& value, std::string_view key, std::string_view whole) {
    if (!to.empty() && to != value) throw error(Errc::usage, "{} names two of what '{}' is", whole, key);
    to = value;
}

void apply_query(GitSource& out, std::string_view query, std::string_view whole) {
    const auto full = [](std::string_view prefix, const std::string& name) {
        return name.starts_with(prefix) ? name : std::string(prefix) + name;
    };
    const auto values = query_of(query, whole);
    for (const auto& [key, value] : values) {
        const bool is_switch = key == "keep-git-dir" || key == "submodules" || key == "fetch-by-commit";
        if (value.empty() && !is_switch) throw error(Errc::usage, "'{}' in {} has no value", key, whole);
        if (key == "ref") set_once(out.ref, value, key, whole);
        else if (key == "tag" || key == "branch") continue;
        else if (key == "subdir") set_once(out.subdirectory, value, key, whole);
        else if (key == "checksum" || key == "commit") set_once(out.checksum, value, key, whole);
        else if (key == "keep-git-dir") out.keep_git_dir = truth(value, whole);
        else if (key == "submodules") out.submodules = truth(value, whole);
        else if (key == "fetch-by-commit") out.by_commit = truth(value, whole);
        else if (key == "mtime" && (value == "commit" || value == "checkout")) out.commit_times = value == "commit";
        else if (key == "mtime") throw error(Errc::usage, "mtime in {} is neither commit nor checkout", whole);
        else
            throw error(Errc::usage, "'{}' in {} is not known", key, whole)
                .with_hint(
                    "ref, tag, branch, subdir, checksum, keep-git-dir, submodules, mtime and fetch-by-commit are");
    }
    if (const auto tag = values.find("tag"); tag != values.end())
        set_once(out.ref, full("refs/tags/", tag->second), "tag", whole);
    if (const auto branch = values.find("branch"); branch != values.end())
        set_once(out.ref, full("refs/heads/", branch->second), "branch", whole);
}

// By the executable bit alone, as git knows them; and as old as they are to be.
class PlainModes : public TreeVisitor {
public:
    PlainModes(int root, std::optional<std::int64_t> seconds) : root_(root), seconds_(seconds) {}
    // A directory's time is set when nothing is done in it any more: the walk only reads and changes modes.
    void enter(const Seen& seen) override {
        const UniqueFd fd = sys::open_at(root_, std::string(seen.path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        set(fd.get(), 0755);
        set_time(fd.get());
    }
    void leave() override {}
    void file(const Seen& seen) override {
        if (S_ISREG(seen.status.st_mode)) {
            const UniqueFd fd = sys::open_at(seen.directory, seen.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
            set(fd.get(), seen.status.st_mode & 0100 ? 0755 : 0644);
        }
        if (!seconds_) return;
        const UniqueFd node = sys::open_at(seen.directory, seen.name, O_PATH | O_NOFOLLOW);
        set_times(::utimensat(node.get(), "", times().data(), AT_EMPTY_PATH));
    }
    void set_time(int directory) const {
        if (seconds_) set_times(::futimens(directory, times().data()));
    }

private:
    std::array<timespec, 2> times() const {
        const timespec when{static_cast<time_t>(*seconds_), 0};
        return {when, when};
    }
    static void set_times(int result) {
        if (result < 0) throw make_sys_error(errno, "setting the time of a fetched file");
    }
    static void set(int fd, mode_t mode) {
        if (::fchmod(fd, mode) < 0) throw make_sys_error(errno, "setting the mode of a fetched file");
    }
    int root_;
    std::optional<std::int64_t> seconds_;
};

Error other_checksum(std::string_view source, std::string_view wanted, std::string_view found) {
    return error(Errc::failed, "{} has the checksum {}, not {}", source, found, wanted);
}

// The digest is known by its algorithm: "sha256:…".
void check_digest(const std::string& wanted, const std::string& url, const HttpFile& file) {
    const std::size_t colon = wanted.find(':');
    const std::string kind = wanted.substr(0, colon);
    const std::string found = kind == "sha256" ? file.sha256 : kind == "sha512" ? file.sha512 : "";
    if (found.empty() || colon == std::string::npos)
        throw error(Errc::usage, "--checksum={}: it is no sha256: or sha512: digest", wanted);
    if (wanted.substr(colon + 1) != found) throw other_checksum(url, wanted, kind + ":" + found);
}

void check_commit(const std::string& wanted, const std::string& url, const remote::GitCommit& found) {
    if (found.id.starts_with(wanted) || found.tag.starts_with(wanted)) return;
    throw other_checksum(url, wanted, found.tag.empty() ? found.id : found.tag + " or " + found.id);
}

bool is_whole_id(std::string_view text) {
    return (text.size() == 40 || text.size() == 64) &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

std::optional<GitSource> parse_git_source(std::string_view text, bool is_context) {
    if (!is_context && text.starts_with("github.com/")) return std::nullopt;
    const std::size_t hash = text.find('#');
    const std::string_view place = text.substr(0, hash);
    const std::size_t question = place.find('?');
    const std::string without_query =
        std::string(place.substr(0, question)) + std::string(hash == std::string_view::npos ? "" : text.substr(hash));
    const auto ref = remote::parse_git_ref(without_query);
    if (!ref) return std::nullopt;
    GitSource out{ref->url, ref->ref, ref->subdirectory, {}, {}, true, false, false};
    if (question != std::string_view::npos) apply_query(out, place.substr(question + 1), text);
    if (lexical_path(out.subdirectory).empty()) out.subdirectory.clear();
    return out;
}

bool is_remote_source(const std::string& written) {
    return is_web_address(written) || parse_git_source(written, false).has_value();
}

namespace {

remote::GitRef ref_of(const GitSource& source) { return {source.url, source.ref, source.subdirectory}; }

remote::GitCredentials credentials_of(const HttpFileOptions& http) { return {http.secret, http.ssh_agent, http.stop}; }

// The commit that it means now.
remote::GitCommit commit_of(const GitSource& source, const HttpFileOptions& http) {
    if (source.by_commit && !is_whole_id(source.ref)) {
        if (!is_whole_id(source.checksum))
            throw error(Errc::usage, "fetch-by-commit of {} needs the commit in full", source.url)
                .with_hint("checksum=COMMIT beside it");
        return {source.checksum, ""};
    }
    remote::GitCommit commit =
        remote::resolve_git(ref_of(source), credentials_of(http)); // a whole commit needs no server
    check_commit(source.checksum, source.url, commit);
    return commit;
}

// What is fetched: with fetch-by-commit the server need not have the name.
remote::GitRef fetched_ref(const GitSource& source, const std::string& commit) {
    remote::GitRef out = ref_of(source);
    if (source.by_commit) out.ref = commit;
    return out;
}

GitTree tree_of(const GitSource& source, const std::string& commit, bool keep_git_dir, const std::string& scratch,
                const HttpFileOptions& http) {
    GitTree out{ScratchDir(scratch), {}, commit, 0};
    const remote::GitCheckout got = remote::checkout_git(
        fetched_ref(source, commit), commit, out.scratch.path() + "/tree", source.submodules, credentials_of(http));
    out.seconds = got.seconds;
    const UniqueFd tree = sys::open_at(out.scratch.fd(), "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!keep_git_dir) {
        sys::remove_tree_at(tree.get(), ".git");
        for (const auto& path : got.submodules) { // theirs are files that lead to it
            const auto inside = locate(tree.get(), path);
            if (inside && inside->is_directory()) ::unlinkat(inside->fd.get(), ".git", 0);
        }
    }
    set_tree_meta(tree.get(), source.commit_times ? std::optional(got.seconds) : std::nullopt);
    LocateRules inside;
    inside.refuse_escape = true;
    const auto found = locate(tree.get(), source.subdirectory, inside);
    if (!found || !found->is_directory())
        throw error(Errc::not_found, "the git repository {} has no directory '{}'", source.url, source.subdirectory);
    out.root = sys::open_at(found->fd.get(), ".", O_RDONLY | O_DIRECTORY);
    return out;
}

} // namespace

void set_tree_meta(int tree, std::optional<std::int64_t> seconds) {
    PlainModes modes(tree, seconds);
    walk_tree(sys::open_at(tree, ".", O_RDONLY | O_DIRECTORY), {}, modes);
    if (::fchmod(tree, 0755) < 0) throw make_sys_error(errno, "setting the mode of a fetched tree");
    modes.set_time(tree);
}

GitTree fetch_git(const GitSource& source, bool keep_git_dir, const std::string& scratch, const HttpFileOptions& http) {
    return tree_of(source, commit_of(source, http).id, keep_git_dir, scratch, http);
}

namespace {

UniqueFd file_in(const ScratchDir& scratch, const std::string& name) {
    return sys::open_at(scratch.fd(), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

} // namespace

void Downloads::put(const std::string& url, Downloaded file) {
    const std::lock_guard hold(mutex_);
    files_.insert_or_assign(url, std::move(file));
}

std::optional<Downloaded> Downloads::take(const std::string& url) {
    const std::lock_guard hold(mutex_);
    auto found = files_.extract(url);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
}

namespace {

enum class Wanted { news, bytes };

Downloaded fetch_url(const std::string& url, const std::string& checksum, const FetchOptions& options, Wanted wanted) {
    const bool with_sha512 = checksum.starts_with("sha512:");
    auto early = options.early ? options.early->take(url) : std::nullopt;
    if (early && !(with_sha512 && early->told.sha512.empty())) {
        if (!checksum.empty()) check_digest(checksum, url, early->told);
        return std::move(*early);
    }
    const HttpMemory memory(options.http.memory);
    auto before = wanted == Wanted::news ? memory.find(url) : std::nullopt;
    if (before && with_sha512 && before->sha512.empty()) before.reset();
    Downloaded out{std::make_unique<ScratchDir>(options.scratch), {}, {}};
    out.file = file_in(*out.scratch, file_name_of(url));
    const auto got = before ? download_if_changed(url, out.file.get(), options.http, *before, with_sha512)
                            : download(url, out.file.get(), options.http, with_sha512);
    if (got) out.told = *got;
    else if (before) out.told = *before;
    if (!checksum.empty()) check_digest(checksum, url, out.told);
    if (got) memory.keep(url, *got);
    else out.scratch.reset();
    return out;
}

} // namespace

std::optional<std::int64_t> time_of_remote(const std::string& written, const std::string& checksum,
                                           const FetchOptions& options) {
    if (auto git = parse_git_source(written, false)) {
        if (!checksum.empty()) set_once(git->checksum, checksum, "checksum", git->url);
        return fetch_git(*git, false, options.scratch, options.http).seconds;
    }
    Downloaded got = fetch_url(written, checksum, options, Wanted::news);
    if (!got.told.modified && !got.scratch) got = fetch_url(written, checksum, options, Wanted::bytes);
    const auto out =
        got.told.modified ? std::optional(got.told.modified) : youngest_file(got.file.get(), options.http.stop);
    if (got.scratch && options.early) options.early->put(written, std::move(got));
    return out;
}

void RemoteSources::take_download(const std::string& url, Downloaded got, Remote& to) {
    const timespec when{static_cast<time_t>(got.told.modified), 0}, times[2] = {when, when};
    if (::fchmod(got.file.get(), 0600) < 0 || ::futimens(got.file.get(), times) < 0)
        throw make_sys_error(errno, "writing a download");
    to.root = sys::open_at(got.scratch->fd(), ".", O_RDONLY | O_DIRECTORY);
    to.scratch = std::move(got.scratch);
    to.files = {{to.root.get(), nullptr, true}, file_name_of(url), "sha256:" + got.told.sha256, true};
}

void RemoteSources::look_at_url(const std::string& url, Remote& to) {
    Downloaded got = fetch_url(url, step_.checksum, options_, Wanted::news);
    if (got.scratch) return take_download(url, std::move(got), to);
    to.files = {{-1, nullptr, true}, file_name_of(url), "sha256:" + got.told.sha256, true};
    to.files.fetch = [this, url, &to] {
        take_download(url, fetch_url(url, step_.checksum, options_, Wanted::bytes), to);
    };
}

void RemoteSources::fetch_repository(const GitSource& source, bool keep, Remote& to) const {
    const std::string key = to.files.key;
    const std::string commit = key.substr(4, key.find(' ') - 4); // after "git:"
    GitTree tree = tree_of(source, commit, keep, options_.scratch, options_.http);
    to.scratch = std::make_unique<ScratchDir>(std::move(tree.scratch));
    to.root = std::move(tree.root);
    to.files = {{to.root.get(), nullptr, true}, "", key, false};
}

void RemoteSources::look_at_repository(const GitSource& source, Remote& to) {
    const bool keep = step_.keep_git_dir || source.keep_git_dir.value_or(false);
    GitSource asked = source;
    set_once(asked.checksum, step_.checksum.empty() ? source.checksum : step_.checksum, "checksum", source.url);
    const std::string commit = commit_of(asked, options_.http).id;
    to.files.archive = false;
    to.files.key = "git:" + commit + (keep ? " with .git" : "") + (source.submodules ? "" : " alone") +
                   (source.commit_times ? " as old as its commit" : "") + " " + source.subdirectory;
    to.files.fetch = [this, asked, keep, &to] { fetch_repository(asked, keep, to); };
}

RemoteSources::RemoteSources(const dockerfile::CopyStep& step, const FetchOptions& options)
    : step_(step), options_(options) {
    if (!step.add) return;
    for (const std::string& written : step.sources) {
        if (remotes_.contains(written)) continue;
        try {
            if (const auto git = parse_git_source(written, false)) look_at_repository(*git, remotes_[written]);
            else if (is_web_address(written)) look_at_url(written, remotes_[written]);
        } catch (Error& e) {
            if (e.at().line == 0) e.with_at({options.place.file, options.place.first_line, options.place.column});
            throw;
        }
    }
}

const RemoteFiles* RemoteSources::find(const std::string& written) const {
    const auto at = remotes_.find(written);
    return at == remotes_.end() ? nullptr : &at->second.files;
}

} // namespace davit::build
