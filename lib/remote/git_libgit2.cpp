// The module davit-git.so: all that knows libgit2.
#include "remote/git.hpp"
#include "remote/git_ssh.hpp"

#include <algorithm>
#include <cstdlib>
#include <git2.h>
#include <memory>
#include <mutex>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace davit::remote {

namespace {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* p) const {
        Free(p);
    }
};
using Repository = std::unique_ptr<git_repository, Freed<git_repository_free>>;
using Remote = std::unique_ptr<git_remote, Freed<git_remote_free>>;
using Object = std::unique_ptr<git_object, Freed<git_object_free>>;

GitResult failure(GitFailure kind, std::string text) { return {kind, std::move(text), "", -1}; }

GitResult failed(int code) {
    const git_error* e = git_error_last();
    GitResult out = failure(GitFailure::other, e && e->message ? e->message : "unknown error");
    const SshTrouble trouble = e && e->klass == GIT_ERROR_SSH ? trouble_of(out.text) : SshTrouble::other;
    if (code == GIT_EAUTH || code == GIT_ECERTIFICATE || trouble == SshTrouble::refused) {
        out.failure = GitFailure::denied;
        if (out.text.find("hostkey") != std::string::npos) out.failure = GitFailure::unknown_host;
        if (out.text == "unknown error") out.text = "it takes none of the credentials that are here";
    } else if (out.text.rfind("host key: ", 0) == 0) out.failure = GitFailure::unknown_host;
    else if (code == GIT_ENOTFOUND) out.failure = GitFailure::not_found;
    else if (e && (e->klass == GIT_ERROR_NET || e->klass == GIT_ERROR_OS || e->klass == GIT_ERROR_SSH ||
                   e->klass == GIT_ERROR_SSL))
        out.failure = GitFailure::unreachable;
    // git's own protocol says it in words only, and HTTP by status.
    for (const char* word : {"not found", "does not exist", "not exported", "status code: 404"})
        if (out.text.find(word) != std::string::npos) out.failure = GitFailure::not_found;
    return out;
}

bool is_commit(const std::string& text) {
    return text.size() == GIT_OID_HEXSZ && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// What one connection asks for credentials: each source once.
struct Session {
    const GitAccess& access;
    std::string url;
    bool anonymous = false;
    int tried = 0;
};

const char* const key_names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};

int ssh_key(git_credential** out, Session& session, const char* user) {
    const char* agent = std::getenv("SSH_AUTH_SOCK");
    if (session.tried++ == 0 && agent && ::access(agent, F_OK) == 0)
        return git_credential_ssh_key_from_agent(out, user);
    const char* home = std::getenv("HOME");
    while (home && session.tried <= static_cast<int>(std::size(key_names))) {
        const std::string key = std::string(home) + "/.ssh/" + key_names[session.tried++ - 1];
        if (::access(key.c_str(), R_OK) == 0)
            return git_credential_ssh_key_new(out, user, (key + ".pub").c_str(), key.c_str(), "");
    }
    return GIT_EAUTH;
}

int credentials(git_credential** out, const char*, const char* user, unsigned allowed, void* payload) {
    auto& session = *static_cast<Session*>(payload);
    if (session.anonymous) return GIT_EAUTH;
    if (allowed & GIT_CREDENTIAL_SSH_KEY) return ssh_key(out, session, user ? user : "git");
    if (allowed & GIT_CREDENTIAL_USERNAME) return git_credential_username_new(out, user ? user : "git");
    if (!(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) || session.tried++) return GIT_EAUTH;
    const GitLogin login = session.access.login(session.url);
    return login.user.empty() ? GIT_EAUTH
                              : git_credential_userpass_plaintext_new(out, login.user.c_str(), login.password.c_str());
}

// Called for each piece that comes: not 0 ends the transfer with that code.
int go_on(void* payload) {
    const auto& left = static_cast<Session*>(payload)->access.left;
    return left && left() ? GIT_EUSER : 0;
}
int more_objects(const git_indexer_progress*, void* payload) { return go_on(payload); }
int more_words(const char*, int, void* payload) { return go_on(payload); }

git_remote_callbacks callbacks(Session& session) {
    git_remote_callbacks out = GIT_REMOTE_CALLBACKS_INIT;
    out.credentials = credentials;
    out.transfer_progress = more_objects;
    out.sideband_progress = more_words;
    out.payload = &session;
    return out;
}

// What is sent to one server besides.
class HeaderLines {
public:
    HeaderLines(const GitAccess& access, const std::string& url, bool anonymous)
        : line_(access.header && !anonymous ? access.header(url) : ""), first_(line_.data()), array_{&first_, 1} {}
    HeaderLines(const HeaderLines&) = delete;
    git_strarray array() const { return line_.empty() ? git_strarray{} : array_; }

private:
    std::string line_;
    char* first_;
    git_strarray array_;
};

// A connection with the credentials for its server, which stays with it; where that leads to another host, one without
// any goes there: the library would send that host what is for the first. `connect` is given what all options have:
// callbacks, follow_redirects, custom_headers.
template <typename Options, typename Connect>
int connected(const GitAccess& access, const std::string& url, Options options, Connect&& connect) {
    int code = 0;
    for (const bool anonymous : {false, true}) {
        Session session{access, url, anonymous};
        const HeaderLines lines(access, url, anonymous);
        options.callbacks = callbacks(session);
        options.custom_headers = lines.array();
        options.follow_redirects = anonymous ? GIT_REMOTE_REDIRECT_INITIAL : GIT_REMOTE_REDIRECT_NONE;
        code = connect(options);
        const git_error* e = code < 0 ? git_error_last() : nullptr;
        if (!e || !e->message || std::string_view(e->message).find("redirect") == std::string_view::npos) break;
    }
    return code;
}

// What a server has under one name. tag: of an annotated tag, whose commit is listed with "^{}".
struct Head {
    const git_remote_head *commit = nullptr, *tag = nullptr;
};

// Of a branch and a tag of one name the branch, as git's checkout does.
Head find_head(const git_remote_head** heads, std::size_t count, const std::string& ref) {
    const auto named = [&](const std::string& name) -> const git_remote_head* {
        for (std::size_t i = 0; i < count; ++i)
            if (name == heads[i]->name) return heads[i];
        return nullptr;
    };
    const auto names = ref.empty()
                           ? std::vector<std::string>{"HEAD"}
                           : std::vector<std::string>{ref, "refs/" + ref, "refs/heads/" + ref, "refs/tags/" + ref};
    for (const std::string& name : names) {
        const git_remote_head* found = named(name);
        if (!found) continue;
        const git_remote_head* peeled = named(name + "^{}");
        return peeled ? Head{peeled, found} : Head{found, nullptr};
    }
    return {};
}

std::string hex_of(const git_oid& oid) {
    char hex[GIT_OID_HEXSZ + 1];
    return git_oid_tostr(hex, sizeof hex, &oid);
}

class Libgit2Client : public GitClient {
public:
    explicit Libgit2Client(GitAccess access) : access_(std::move(access)) {
        git_libgit2_init();
        static std::once_flag once;
        std::call_once(once, use_ssh_program);
    }
    ~Libgit2Client() override { git_libgit2_shutdown(); }

    GitResult resolve(const std::string& url, const std::string& ref) override {
        if (is_commit(ref)) return {GitFailure::none, ref, "", -1};
        const SshAgentScope agent(access_.ssh_agent);
        git_remote* raw = nullptr;
        if (int code = git_remote_create_detached(&raw, url.c_str())) return failed(code);
        Remote remote(raw);
        const git_remote_connect_options plain = GIT_REMOTE_CONNECT_OPTIONS_INIT;
        if (int code = connected(access_, url, plain, [&](const git_remote_connect_options& how) {
                return git_remote_connect_ext(remote.get(), GIT_DIRECTION_FETCH, &how);
            }))
            return failed(code);
        const git_remote_head** heads = nullptr;
        std::size_t count = 0;
        if (int code = git_remote_ls(&heads, &count, remote.get())) return failed(code);
        const Head head = find_head(heads, count, ref);
        if (!head.commit)
            return failure(GitFailure::not_found,
                           ref.empty() ? "the repository is empty" : "it has no branch or tag '" + ref + "'");
        return {GitFailure::none, hex_of(head.commit->oid), head.tag ? hex_of(head.tag->oid) : "", -1};
    }

    GitResult checkout(const std::string& url, const std::string& ref, const std::string& commit,
                       const std::string& directory, std::vector<std::string>* submodules) override {
        const SshAgentScope agent(access_.ssh_agent);
        git_repository* raw = nullptr;
        if (int code = git_repository_init(&raw, directory.c_str(), 0)) return failed(code);
        Repository repository(raw);
        if (int code = fetch(*repository, url, is_commit(ref) ? "" : ref)) return failed(code);
        git_oid oid;
        git_object* found = nullptr;
        if (int code = git_oid_fromstr(&oid, commit.c_str())) return failed(code);
        if (int code = git_object_lookup(&found, repository.get(), &oid, GIT_OBJECT_COMMIT))
            return code == GIT_ENOTFOUND ? failure(GitFailure::not_found, "it has no commit " + commit) : failed(code);
        Object object(found);
        git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
        options.checkout_strategy = GIT_CHECKOUT_FORCE;
        if (int code = git_checkout_tree(repository.get(), object.get(), &options)) return failed(code);
        if (int code = git_repository_set_head_detached(repository.get(), &oid)) return failed(code);
        if (submodules)
            if (GitResult result = add_submodules(*repository, "", *submodules, 0); result.failure != GitFailure::none)
                return result;
        return {GitFailure::none, commit, "", git_commit_time(reinterpret_cast<const git_commit*>(found))};
    }

private:
    // Of the repository and of what comes with them. Their addresses are somebody else's: a path of this machine is
    // none, and neither is what git would start a program for.
    GitResult add_submodules(git_repository& repository, const std::string& below, std::vector<std::string>& paths,
                             int depth) {
        constexpr int deepest = 10;
        constexpr std::size_t most = 1000;
        std::vector<std::string> names;
        const auto note = [](git_submodule*, const char* name, void* to) {
            static_cast<std::vector<std::string>*>(to)->emplace_back(name);
            return 0;
        };
        if (int code = git_submodule_foreach(&repository, note, &names)) return failed(code);
        for (const std::string& name : names) {
            git_submodule* raw = nullptr;
            if (int code = git_submodule_lookup(&raw, &repository, name.c_str())) return failed(code);
            const std::unique_ptr<git_submodule, Freed<git_submodule_free>> submodule(raw);
            const std::string path = below + git_submodule_path(raw);
            if (depth >= deepest || paths.size() >= most)
                return failure(GitFailure::other, "its submodules are too many, or too deep (" + path + ")");
            if (GitResult result = update(*raw, path); result.failure != GitFailure::none) return result;
            paths.push_back(path);
            git_repository* inside = nullptr;
            if (int code = git_submodule_open(&inside, raw)) return failed(code);
            const Repository opened(inside);
            if (GitResult result = add_submodules(*inside, path + "/", paths, depth + 1);
                result.failure != GitFailure::none)
                return result;
        }
        return {};
    }

    GitResult update(git_submodule& submodule, const std::string& path) {
        git_buf resolved = GIT_BUF_INIT;
        const char* written = git_submodule_url(&submodule);
        if (!written) return failure(GitFailure::other, "the submodule " + path + " has no address");
        if (int code = git_submodule_resolve_url(&resolved, git_submodule_owner(&submodule), written))
            return failed(code);
        const std::string url(resolved.ptr, resolved.size);
        git_buf_dispose(&resolved);
        if (!is_remote_url(url))
            return failure(GitFailure::other, "the address of the submodule " + path + " is no server's: " + url);
        const git_fetch_options plain = GIT_FETCH_OPTIONS_INIT;
        if (int code = connected(access_, url, plain, [&](const git_fetch_options& how) {
                git_submodule_update_options options = GIT_SUBMODULE_UPDATE_OPTIONS_INIT;
                options.fetch_opts = how;
                options.checkout_opts.checkout_strategy = GIT_CHECKOUT_FORCE;
                return git_submodule_update(&submodule, 1, &options);
            })) {
            GitResult out = failed(code);
            out.text = "the submodule " + path + ": " + out.text;
            return out;
        }
        return {};
    }

    static bool is_remote_url(const std::string& url) {
        for (const char* scheme : {"https://", "http://", "git://", "ssh://"})
            if (url.rfind(scheme, 0) == 0) return true;
        const auto colon = url.find(':'), at = url.find('@');
        return at != std::string::npos && at > 0 && colon != std::string::npos && at < colon &&
               url.find("://") == std::string::npos && url.find('/') > colon; // user@host:path
    }

    // A commit by number may be on any branch, so all of them come; else only what is named.
    int fetch(git_repository& repository, const std::string& url, std::string ref) {
        if (ref.ends_with("^{}")) ref.resize(ref.size() - 3); // what a tag leads to comes with it
        git_remote* raw = nullptr;
        if (int code = git_remote_create(&raw, &repository, "origin", url.c_str())) return code;
        Remote remote(raw);
        git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
        options.download_tags = ref.empty() ? GIT_REMOTE_DOWNLOAD_TAGS_ALL : GIT_REMOTE_DOWNLOAD_TAGS_NONE;
        std::vector<std::string> specs{"+refs/heads/" + ref + ":refs/davit/head",
                                       "+refs/tags/" + ref + ":refs/davit/tag", "+refs/" + ref + ":refs/davit/ref"};
        if (ref.rfind("refs/", 0) == 0) specs = {"+" + ref + ":refs/davit/ref"};
        std::vector<char*> pointers;
        for (std::string& spec : specs) pointers.push_back(spec.data());
        const git_strarray array{pointers.data(), pointers.size()};
        return connected(access_, url, options, [&](const git_fetch_options& how) {
            return git_remote_fetch(remote.get(), ref.empty() ? nullptr : &array, &how, nullptr);
        });
    }

    GitAccess access_;
};

} // namespace

} // namespace davit::remote

extern "C" __attribute__((visibility("default"))) davit::remote::GitClient* davit_git_client(
    unsigned abi, const davit::remote::GitAccess& access) {
    return abi == davit::remote::git_module_abi ? new davit::remote::Libgit2Client(access) : nullptr;
}
