#include "remote/git_ssh.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <git2.h>
#include <git2/sys/transport.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::remote {

namespace {

thread_local std::string own_agent; // NOLINT: of SshAgentScope

int fail(const std::string& text) {
    git_error_set_str(GIT_ERROR_SSH, text.c_str());
    return -1;
}

void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

std::vector<std::string> environment_with_agent() {
    std::vector<std::string> out;
    for (char** entry = environ; *entry; ++entry)
        if (own_agent.empty() || std::strncmp(*entry, "SSH_AUTH_SOCK=", 14) != 0) out.emplace_back(*entry);
    if (!own_agent.empty()) out.push_back("SSH_AUTH_SOCK=" + own_agent);
    return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (std::string& word : words) out.push_back(word.data());
    out.push_back(nullptr);
    return out;
}

const char* told(const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? value : nullptr;
}

// Whoever has another ssh for git has it here too.
void as_git_is_told(std::vector<std::string>& command) {
    if (const char* shell = told("GIT_SSH_COMMAND")) {
        command.front() = shell;
        command.insert(command.begin(), {"/bin/sh", "-c", std::string(shell) + " \"$@\""});
    } else if (const char* program = told("GIT_SSH")) {
        command.front() = program;
    }
}

// One ssh that talks to git-upload-pack: what the server sends and gets, and what it says besides.
class SshProcess {
public:
    SshProcess() = default;
    SshProcess(const SshProcess&) = delete;
    ~SshProcess() { end(); }

    int start(const std::string& url) {
        const auto place = parse_ssh_place(url);
        if (!place) return fail("this is no address that ssh takes");
        std::vector<std::string> command = ssh_command(*place);
        if (!own_agent.empty()) command.insert(command.begin() + 1, {"-o", "IdentityAgent=SSH_AUTH_SOCK"});
        as_git_is_told(command);
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return fail("no sockets are left");
        said_ = ::memfd_create("davit-ssh", MFD_CLOEXEC);
        const int problem = said_ < 0 ? errno : spawn(command, ends[1]);
        ::close(ends[1]);
        talk_ = ends[0];
        return problem == 0 ? 0 : fail(std::string("ssh cannot be started: ") + std::strerror(problem));
    }

    // What is read is 0 at the end.
    int read(char* to, std::size_t size, std::size_t* got) {
        ssize_t n = 0;
        do n = ::recv(talk_, to, size, 0);
        while (n < 0 && errno == EINTR);
        *got = n > 0 ? static_cast<std::size_t>(n) : 0;
        any_ |= n > 0;
        if (n > 0 || (n == 0 && any_ && !failed())) return 0;
        return fail(last_words());
    }
    int write(const char* from, std::size_t size) {
        while (size > 0) {
            const ssize_t n = ::send(talk_, from, size, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return fail(last_words());
            from += n;
            size -= static_cast<std::size_t>(n);
        }
        return 0;
    }
    void end() {
        close_fd(talk_);
        if (pid_ > 0) {
            ::kill(pid_, SIGTERM);
            wait();
        }
        close_fd(said_);
    }

private:
    int spawn(std::vector<std::string>& command, int socket) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, said_, STDERR_FILENO);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes, &signals);
        ::sigaddset(&signals, SIGPIPE);
        ::posix_spawnattr_setsigdefault(&attributes, &signals);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        std::vector<std::string> environment = environment_with_agent();
        const int problem = ::posix_spawnp(&pid_, command.front().c_str(), &actions, &attributes,
                                           pointers_to(command).data(), pointers_to(environment).data());
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
        if (problem != 0) pid_ = -1;
        return problem;
    }

    void wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
        failed_ = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        pid_ = -1;
    }

    bool failed() {
        if (pid_ > 0) wait();
        return failed_;
    }

    // The line that tells most: the last one, without what the server's banner may say before.
    std::string last_words() {
        failed();
        char text[8192];
        const ssize_t n = said_ < 0 ? 0 : ::pread(said_, text, sizeof text, 0);
        std::string said(text, n > 0 ? static_cast<std::size_t>(n) : 0);
        std::erase(said, '\r');
        while (said.ends_with('\n')) said.pop_back();
        switch (trouble_of(said)) {
        case SshTrouble::unknown_host: return "host key: the server is not in known_hosts";
        case SshTrouble::changed_host: return "host key: the server is another one than known_hosts says";
        default: break;
        }
        for (const char* after : {"\n\nPlease make sure", "\nfatal: Could not read from remote"})
            said = said.substr(0, said.find(after));
        if (said.empty()) return "ssh ended without a word";
        return said.substr(said.rfind('\n') + 1);
    }

    pid_t pid_ = -1;
    int talk_ = -1, said_ = -1;
    bool any_ = false, failed_ = false;
};

// What libgit2 is given: a subtransport and its one stream, each known by its first member.
struct SshStream {
    git_smart_subtransport_stream base{};
    SshProcess process;
};
struct SshTransport {
    git_smart_subtransport base{};
    SshStream* stream = nullptr;
};

int stream_read(git_smart_subtransport_stream* stream, char* to, std::size_t size, std::size_t* got) {
    return reinterpret_cast<SshStream*>(stream)->process.read(to, size, got);
}
int stream_write(git_smart_subtransport_stream* stream, const char* from, std::size_t size) {
    return reinterpret_cast<SshStream*>(stream)->process.write(from, size);
}
void stream_free(git_smart_subtransport_stream* stream) {
    auto* own = reinterpret_cast<SshStream*>(stream);
    reinterpret_cast<SshTransport*>(own->base.subtransport)->stream = nullptr;
    delete own;
}

int transport_action(git_smart_subtransport_stream** out, git_smart_subtransport* transport, const char* url,
                     git_smart_service_t action) {
    auto* own = reinterpret_cast<SshTransport*>(transport);
    if (action == GIT_SERVICE_UPLOADPACK && own->stream) { // goes on where the list ended
        *out = &own->stream->base;
        return 0;
    }
    if (action != GIT_SERVICE_UPLOADPACK_LS && action != GIT_SERVICE_UPLOADPACK) return fail("nothing is sent");
    auto* stream = new SshStream;
    stream->base = {transport, stream_read, stream_write, stream_free};
    own->stream = stream;
    *out = &stream->base;
    if (const int problem = stream->process.start(url)) {
        stream_free(&stream->base);
        *out = nullptr;
        return problem;
    }
    return 0;
}
int transport_close(git_smart_subtransport* transport) {
    auto* own = reinterpret_cast<SshTransport*>(transport);
    if (own->stream) own->stream->process.end();
    return 0;
}
void transport_free(git_smart_subtransport* transport) { delete reinterpret_cast<SshTransport*>(transport); }

int make_subtransport(git_smart_subtransport** out, git_transport*, void*) {
    auto* own = new SshTransport;
    own->base = {transport_action, transport_close, transport_free};
    *out = &own->base;
    return 0;
}

bool has_ssh() {
    if (told("GIT_SSH_COMMAND") || told("GIT_SSH")) return true;
    const char* path = std::getenv("PATH");
    std::string_view rest = path ? path : "/usr/bin:/bin";
    while (!rest.empty()) {
        const std::string directory(rest.substr(0, rest.find(':')));
        rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
        if (!directory.empty() && ::access((directory + "/ssh").c_str(), X_OK) == 0) return true;
    }
    return false;
}

int make_transport(git_transport** out, git_remote* owner, void*) {
    static git_smart_subtransport_definition by_program{make_subtransport, 0, nullptr};
    static git_smart_subtransport_definition by_library{git_smart_subtransport_ssh, 0, nullptr};
    return git_transport_smart(out, owner, has_ssh() ? &by_program : &by_library);
}

} // namespace

void use_ssh_program() { git_transport_register("ssh", make_transport, nullptr); }

SshAgentScope::SshAgentScope(const std::string& socket) { own_agent = socket; }
SshAgentScope::~SshAgentScope() { own_agent.clear(); }

} // namespace davit::remote
