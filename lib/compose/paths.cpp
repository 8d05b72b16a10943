#include "compose/paths.hpp"

#include "base/shared_with.hpp"
#include "compose/attributes/rule_table.hpp"
#include "compose/short_forms.hpp"

#include <filesystem>

namespace davit::compose {

std::string clean_path(std::string_view path) {
    bool rooted = is_absolute(path);
    std::vector<std::string_view> parts;
    for (std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == ".." && !parts.empty() && parts.back() != "..") parts.pop_back();
        else if (part != ".." || !rooted) parts.push_back(part);
    }
    std::string out = rooted ? "/" : "";
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i) out += '/';
        out += parts[i];
    }
    return out.empty() ? "." : out;
}

bool is_absolute(std::string_view path) { return !path.empty() && path.front() == '/'; }

std::string join_path(std::string_view directory, std::string_view path) {
    if (directory.empty()) return clean_path(path);
    return clean_path(fmt::format("{}/{}", directory, path));
}

std::string parent_path(std::string_view path) {
    std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return clean_path(slash == 0 ? "/" : path.substr(0, slash));
}

std::string base_name(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    std::size_t slash = path.rfind('/');
    return std::string(slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1));
}

std::string relative_path(std::string_view from, std::string_view path) {
    std::string a = clean_path(from), b = clean_path(path);
    if (a == b) return ".";
    auto as = split(a, '/'), bs = split(b, '/');
    if (a == "/") as = {""};
    std::size_t same = 0;
    while (same < as.size() && same < bs.size() && as[same] == bs[same]) ++same;
    std::string out;
    for (std::size_t i = same; i < as.size(); ++i) out += out.empty() ? ".." : "/..";
    for (std::size_t i = same; i < bs.size(); ++i) {
        if (!out.empty()) out += '/';
        out += bs[i];
    }
    return out.empty() ? "." : out;
}

std::string expand_home(std::string_view path, const std::string& home) {
    if (home.empty() || path.empty() || path[0] != '~') return std::string(path);
    if (path.size() == 1) return home;
    return path[1] == '/' ? join_path(home, path.substr(2)) : std::string(path);
}

bool is_remote(std::string_view context) {
    if (context.find("://") != std::string_view::npos) return true;
    for (std::string_view prefix : {"github.com/", "git@", "git://", "oci:"})
        if (context.substr(0, prefix.size()) == prefix) return true;
    return false;
}

namespace {

bool is_windows_path(std::string_view p) {
    bool letter = !p.empty() && ((p[0] >= 'a' && p[0] <= 'z') || (p[0] >= 'A' && p[0] <= 'Z'));
    return p.substr(0, 2) == "\\\\" || (p.size() > 2 && letter && p[1] == ':' && (p[2] == '\\' || p[2] == '/'));
}

class Resolver {
public:
    Resolver(Tree& tree, const PathBase& base, Diagnostics& diag) : tree_(tree), base_(base), diag_(diag) {}

    void walk(Node& n, RuleTable<HostPath>::Cursor at) {
        if (!at) return;
        if (at.rule()) return resolve(*at.rule(), n);
        for (Entry& e : n.map()) {
            auto below = at.key(e.key);
            if (!below) continue;
            auto step = path_.key(e.key);
            walk(*e.value, below);
        }
        auto items = n.list();
        if (auto below = at.item())
            for (std::size_t i = 0; i < items.size(); ++i) {
                auto step = path_.item(i);
                walk(*items[i], below);
            }
    }

private:
    void resolve(HostPath kind, Node& n) {
        switch (kind) {
        case HostPath::none: return;
        case HostPath::file: return file(n);
        case HostPath::host_path: return host_path(n);
        case HostPath::context: return context(n);
        case HostPath::extends_file: return extends_file(n);
        case HostPath::watch: return watch(n);
        case HostPath::mount: return mount(n);
        case HostPath::volume: return volume(n);
        }
    }

    void file(Node& n) {
        if (n.is_string() && !n.str().empty()) set(n, absolute(n.str()));
    }

    // Also a Windows path counts as absolute.
    void host_path(Node& n) {
        if (!n.is_string()) return;
        std::string p = expand_home(n.str(), base_.home);
        set(n, is_absolute(p) || is_windows_path(p) ? p : join_path(base_.directory, p));
    }

    void context(Node& n) {
        std::string_view text = n.str();
        if (!n.is_string() || is_remote(text) || SharedWith::parse(text).is_service()) return;
        file(n);
    }

    void extends_file(Node& n) {
        if (n.is_string() && !is_remote(n.str())) file(n);
    }

    void watch(Node& n) {
        if (!n.is_string() || n.str().empty()) return;
        std::string p = absolute(n.str());
        std::error_code code;
        auto real = std::filesystem::weakly_canonical(p, code);
        set(n, code || !is_absolute(p) ? p : clean_path(real.string()));
    }

    void mount(Node& n) {
        const Node* type = n.find("type");
        if (!type || type->str() != "bind") return;
        Node* source = n.find("source");
        if (!source)
            return diag_.error(n.pos, path_, "a bind mount needs a source", "add  source: ./path/on/this/machine");
        host_path(*source);
    }

    // A volume of the local driver with o=bind is a directory of this machine.
    void volume(Node& n) {
        const Node* driver = n.find("driver");
        Node* options = n.find("driver_opts");
        if (!driver || driver->str() != "local" || !options) return;
        const Node* o = options->find("o");
        Node* device = options->find("device");
        if (o && device && o->str() == "bind") host_path(*device);
    }

    std::string absolute(std::string_view text) {
        std::string p = expand_home(text, base_.home);
        return is_absolute(p) ? p : join_path(base_.directory, p);
    }

    void set(Node& n, const std::string& text) {
        if (n.is_text() && n.str() != text) n = *tree_.string(text, n.pos);
    }

    Tree& tree_;
    const PathBase& base_;
    Diagnostics& diag_;
    Path path_;
};

} // namespace

void resolve_paths(Tree& tree, Node& document, const PathBase& base, Diagnostics& diag) {
    Resolver(tree, base, diag).walk(document, rule_table<&Rules::path>().root());
}

} // namespace davit::compose
