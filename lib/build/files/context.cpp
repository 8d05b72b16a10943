#include "build/files/context.hpp"

#include "archive/byte_source.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/locate.hpp"
#include "build/files/unpack.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace davit::build {

namespace {

constexpr off_t most_text = 16 << 20; // of a Dockerfile and of an ignore file

bool is_url(const std::string& text) { return text.starts_with("http://") || text.starts_with("https://"); }

std::string read_text(int fd, const std::string& name, const std::stop_token& stop = {}) {
    archive::StreamSource source(fd, name, stop);
    std::string out;
    char buffer[16384];
    for (;;) {
        const std::size_t n = source.read(buffer, sizeof buffer);
        if (n == 0) return out;
        out.append(buffer, n);
        if (out.size() > static_cast<std::size_t>(most_text))
            throw error(Errc::usage, "{} has more than {} bytes: this is no Dockerfile", name, most_text);
    }
}

struct DirectoryAndName {
    std::string directory, name;
};
DirectoryAndName split_name(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// A text file inside a directory; links are followed inside it. nullopt: it is not there.
std::optional<std::string> text_inside(int root, const std::string& path, const std::string& shown) {
    const auto found = locate(root, path);
    if (!found || !found->exists()) return std::nullopt;
    if (found->is_directory()) throw error(Errc::usage, "{} is a directory", shown);
    if (!S_ISREG(found->status.st_mode)) throw error(Errc::usage, "{} is no regular file", shown);
    return read_text(sys::reopen(found->fd.get(), O_RDONLY | O_NONBLOCK).get(), shown);
}

} // namespace

class ContextOpener {
public:
    explicit ContextOpener(const ContextSpec& spec) : spec_(spec) {}

    BuildContext open() {
        const bool dockerfile_is_stdin = spec_.dockerfile == "-";
        if (spec_.context == "-" && dockerfile_is_stdin)
            throw error(Errc::usage, "standard input cannot be both the context and the Dockerfile");
        if (spec_.context == "-") open_stream();
        else if (const auto git = parse_git_source(spec_.context, true)) open_git(*git);
        else if (is_url(spec_.context)) open_url();
        else open_local();
        out_.source_.root = out_.root_.get();
        out_.source_.filter = out_.filter_.get();
        return std::move(out_);
    }

private:
    ScratchDir& scratch() {
        if (!out_.scratch_) out_.scratch_ = std::make_unique<ScratchDir>(spec_.scratch);
        return *out_.scratch_;
    }

    void open_local() {
        UniqueFd fd(::open(spec_.context.c_str(), O_PATH | O_CLOEXEC));
        struct stat st {};
        if (!fd && errno == ENOENT)
            throw error(Errc::not_found, "the build context {} is not there", spec_.context)
                .with_os({ENOENT, std::generic_category()});
        if (!fd || ::fstat(fd.get(), &st) < 0) throw sys_error(errno, "opening the build context {}", spec_.context);
        if (S_ISREG(st.st_mode)) {
            const UniqueFd file = sys::reopen(fd.get(), O_RDONLY);
            if (is_archive(file.get())) return use_archive(file.get());
        }
        if (!S_ISDIR(st.st_mode))
            throw error(Errc::usage, "the build context {} is neither a directory nor a tar archive", spec_.context);
        out_.root_ = sys::open_at(fd.get(), ".", O_RDONLY | O_DIRECTORY);
        out_.source_.context = true;
        if (spec_.wants_dockerfile) read_local_dockerfile();
        if (!out_.filter_) read_ignore(out_.root_.get(), ".dockerignore", ".dockerignore");
    }

    // It may stand elsewhere; what it needs stands in its directory.
    void read_local_dockerfile() {
        if (read_given_text()) return;
        const DirectoryAndName place =
            spec_.dockerfile ? split_name(*spec_.dockerfile) : DirectoryAndName{spec_.context, "Dockerfile"};
        const std::string shown = spec_.dockerfile.value_or("Dockerfile");
        const UniqueFd beside(::open(place.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!beside) throw no_dockerfile(shown);
        const std::string name = read_dockerfile(beside.get(), place.name, shown);
        read_ignore(beside.get(), name + ".dockerignore", out_.dockerfile_name_ + ".dockerignore");
    }

    // A text that is no file of the context.
    bool read_given_text() {
        if (spec_.dockerfile_inline) {
            out_.dockerfile_ = *spec_.dockerfile_inline;
        } else if (spec_.dockerfile == "-") {
            out_.dockerfile_ = read_text(spec_.stdin_fd, "standard input", spec_.http.stop);
            if (out_.dockerfile_.empty()) throw error(Errc::usage, "the Dockerfile on standard input is empty");
        } else if (spec_.dockerfile && is_url(*spec_.dockerfile)) {
            const UniqueFd file = sys::memfd("davit-dockerfile");
            HttpFileOptions http = spec_.http;
            http.most_bytes = most_text;
            download(*spec_.dockerfile, file.get(), http);
            if (::lseek(file.get(), 0, SEEK_SET) < 0) throw make_sys_error(errno, "reading a Dockerfile");
            out_.dockerfile_ = read_text(file.get(), *spec_.dockerfile);
        } else return false;
        out_.dockerfile_name_ = "Dockerfile";
        return true;
    }

    void read_dockerfile_inside() {
        if (!spec_.wants_dockerfile || read_given_text()) return;
        const std::string path = spec_.dockerfile.value_or("Dockerfile");
        read_dockerfile(out_.root_.get(), path, path);
    }

    // "dockerfile" where there is no "Dockerfile". Returns the path that was read.
    std::string read_dockerfile(int root, const std::string& path, const std::string& shown) {
        std::string name = path;
        out_.dockerfile_name_ = shown;
        auto text = text_inside(root, name, shown);
        if (!text && split_name(path).name == "Dockerfile") {
            const auto lower = [](std::string p) { return p.replace(p.size() - 10, 1, "d"); };
            name = lower(path);
            out_.dockerfile_name_ = lower(shown);
            text = text_inside(root, name, out_.dockerfile_name_);
        }
        if (!text) throw no_dockerfile(shown);
        out_.dockerfile_ = std::move(*text);
        return name;
    }

    Error no_dockerfile(const std::string& shown) const {
        return error(Errc::not_found, "there is no Dockerfile at {}", shown)
            .with_hint("name it by -f; a symbolic link is followed only within its directory");
    }

    void read_ignore(int root, const std::string& path, const std::string& shown) {
        if (!spec_.read_ignore) return;
        if (const auto found = locate(root, path); found && found->is_directory()) return; // as if there were none
        if (const auto text = text_inside(root, path, shown)) out_.filter_ = spec_.read_ignore(*text, shown);
    }

    // Whatever stands in the file: an archive, or a Dockerfile without a context.
    void use_file(int file) {
        if (is_archive(file)) return use_archive(file);
        make_empty();
        if (!spec_.wants_dockerfile) throw error(Errc::usage, "the build context {} is no archive", spec_.context);
        if (::lseek(file, 0, SEEK_SET) < 0) throw make_sys_error(errno, "reading a Dockerfile");
        out_.dockerfile_ = read_text(file, spec_.context == "-" ? "standard input" : spec_.context);
        if (out_.dockerfile_.empty())
            throw error(Errc::usage, "{} is empty: it is neither a Dockerfile nor a tar archive",
                        spec_.context == "-" ? "standard input" : spec_.context);
        out_.dockerfile_name_ = "Dockerfile";
        if (spec_.dockerfile_inline) out_.dockerfile_ = *spec_.dockerfile_inline;
    }

    // Its owners are kept, and no ignore file counts: whoever made it left out what it should not have.
    void use_archive(int file) {
        make_empty();
        UnpackOptions options;
        options.stop = spec_.http.stop;
        in_context("unpacking the build context " + spec_.context,
                   [&] { unpack_archive(file, out_.root_.get(), options); });
        read_dockerfile_inside();
    }

    void make_empty() {
        if (::mkdirat(scratch().fd(), "tree", 0755) < 0) throw make_sys_error(errno, "making a directory");
        out_.root_ = sys::open_at(scratch().fd(), "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (::fchmod(out_.root_.get(), 0755) < 0) throw make_sys_error(errno, "making a directory");
    }

    UniqueFd make_file() { return sys::open_at(scratch().fd(), "file", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600); }

    void open_stream() {
        UniqueFd file = make_file();
        archive::StreamSource source(spec_.stdin_fd, "standard input", spec_.http.stop);
        std::vector<char> buffer(256 * 1024);
        while (const std::size_t n = source.read(buffer.data(), buffer.size()))
            sys::write_all(file.get(), {buffer.data(), n});
        use_file(file.get());
        out_.file_ = std::move(file);
    }

    void open_url() {
        UniqueFd file = make_file();
        const HttpFile got =
            in_context("fetching the build context", [&] { return download(spec_.context, file.get(), spec_.http); });
        out_.origin_ = "sha256:" + got.sha256;
        if (got.modified) out_.modified_ = got.modified;
        use_file(file.get());
        out_.file_ = std::move(file);
    }

    void open_git(const GitSource& git) {
        GitTree tree = in_context("fetching the build context", [&] {
            return fetch_git(git, spec_.keep_git_dir || git.keep_git_dir.value_or(false), spec_.scratch, spec_.http);
        });
        out_.scratch_ = std::make_unique<ScratchDir>(std::move(tree.scratch));
        out_.root_ = std::move(tree.root);
        out_.origin_ = tree.commit;
        out_.modified_ = tree.seconds;
        out_.is_git_ = true;
        out_.source_.context = true; // its files are nobody's: 0:0
        read_dockerfile_inside();
    }

    const ContextSpec& spec_;
    BuildContext out_;
};

std::optional<std::int64_t> BuildContext::modified(const std::stop_token& stop) const {
    return modified_ || !file_ ? modified_ : youngest_file(file_.get(), stop);
}

void BuildContext::take_commit_times() {
    if (!is_git_) return;
    const UniqueFd tree = sys::open_at(scratch_->fd(), "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    set_tree_meta(tree.get(), modified_);
}

BuildContext open_context(const ContextSpec& spec) { return ContextOpener(spec).open(); }

} // namespace davit::build
