#include "build/files/locate.hpp"

#include "archive/layer_tree.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <list>
#include <vector>

namespace davit::build {

namespace {

std::string target_of_link(int link) {
    std::string target(PATH_MAX, '\0');
    const ssize_t n = ::readlinkat(link, "", target.data(), target.size());
    if (n < 0) throw make_sys_error(errno, "reading a symbolic link");
    target.resize(static_cast<std::size_t>(n));
    return target;
}

class Way {
public:
    Way(int root, std::string_view path, const LocateRules& rules)
        : root_(root), shown_(path), rules_(rules), todo_(archive::split_path(path)) {}

    std::optional<Located> walk() {
        while (!todo_.empty()) {
            std::string name = std::move(todo_.front());
            todo_.pop_front();
            if (name == "..") {
                up();
                continue;
            }
            UniqueFd next(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            if (!next && errno != ENOENT) throw sys_error(errno, "looking at {}", below(name));
            if (next && hidden(name)) next.reset();
            if (!next && todo_.empty()) return missing(name);
            if (!next) {
                if (!rules_.make) return std::nullopt;
                rules_.make(here(), name, below(name));
                next = sys::open_at(here(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
            }
            struct stat st {};
            if (::fstat(next.get(), &st) < 0) throw sys_error(errno, "looking at {}", below(name));
            if (S_ISLNK(st.st_mode) && (rules_.follow_last || !todo_.empty())) {
                follow(next.get());
                continue;
            }
            if (!todo_.empty() && !S_ISDIR(st.st_mode)) return std::nullopt;
            done_.push_back({std::move(name), std::move(next)});
        }
        return found();
    }

private:
    struct Step {
        std::string name;
        UniqueFd fd;
    };

    int here() const { return done_.empty() ? root_ : done_.back().fd.get(); }

    std::string below(const std::string& name) const {
        std::string out;
        for (const Step& step : done_) out += step.name + "/";
        return out + name;
    }

    bool hidden(const std::string& name) const { return rules_.hidden && rules_.hidden(below(name)); }

    void up() {
        if (!done_.empty()) return done_.pop_back();
        if (rules_.refuse_escape)
            throw error(Errc::denied, "the path {} leads out of its root by a symbolic link", shown_);
    }

    void follow(int link) {
        if (++links_ > archive::max_links) throw error(Errc::failed, "too many symbolic links in {}", shown_);
        const std::string target = target_of_link(link);
        if (target.starts_with('/')) done_.clear();
        todo_.splice(todo_.begin(), archive::split_path(target));
    }

    std::optional<Located> missing(const std::string& name) {
        Located out;
        out.path = below(name);
        out.parent = reopened(here());
        out.name = name;
        return out;
    }

    std::optional<Located> found() {
        Located out;
        if (!done_.empty()) {
            Step last = std::move(done_.back());
            done_.pop_back();
            out.path = below(last.name);
            out.parent = reopened(here());
            out.name = std::move(last.name);
            out.fd = std::move(last.fd);
        } else {
            out.fd = reopened(root_);
        }
        if (::fstat(out.fd.get(), &out.status) < 0) throw sys_error(errno, "looking at {}", shown_);
        return out;
    }

    static UniqueFd reopened(int directory) { return sys::open_at(directory, ".", O_PATH | O_DIRECTORY); }

    int root_;
    std::string shown_;
    const LocateRules& rules_;
    std::list<std::string> todo_;
    std::vector<Step> done_;
    int links_ = 0;
};

} // namespace

std::optional<Located> locate(int root, std::string_view path, const LocateRules& rules) {
    return Way(root, path, rules).walk();
}

std::string lexical_path(std::string_view path) {
    std::vector<std::string> parts;
    for (std::string& part : archive::split_path(path)) {
        if (part != "..") parts.push_back(std::move(part));
        else if (!parts.empty()) parts.pop_back();
    }
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : "/") + part;
    return out;
}

} // namespace davit::build
