// Compose files merged, but without values for their variables: what can be shown and asked of them before they are a
// Project, whose numbers may still be texts with variables.
#pragma once

#include "davit/load.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct TemplateVariable {
    std::string name;
    std::string default_value;   // ${NAME:-it}
    std::string alternate_value; // ${NAME:+it}
    bool required = false;       // ${NAME:?message}
};

struct ImageUse {
    std::string image; // as it is written
    SourcePos at;
};

// For one thread at a time; blocks on the disk when it is made, and where LoadOptions::resources reaches to.
class MergedFiles {
public:
    // Throws LoadError for what cannot be read as YAML or merged.
    explicit MergedFiles(const LoadOptions& options);
    ~MergedFiles();
    MergedFiles(MergedFiles&&) noexcept;
    MergedFiles& operator=(MergedFiles&&) noexcept;

    // Throws LoadError for all other mistakes; the warnings.
    std::vector<Diagnostic> check();
    std::vector<std::string> services() const;
    std::vector<ImageUse> images() const; // of services, in their order
    // By name. Those in texts that are no valid template are not among them.
    std::map<std::string, TemplateVariable> variables() const;
    // Gives the images other names: those that are keys of the map.
    void rename_images(const std::map<std::string, std::string>& names);
    // Drops all but the images of services.
    void keep_images();
    std::string render(RenderFormat format) const; // its variables as they are written

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The services with nothing but their images: an override file that holds them at what they are.
std::string render_images(const Project& project, RenderFormat format);

// An object of these by name, as `config --variables` prints it with --format json or yaml.
std::string render_variables(const std::map<std::string, TemplateVariable>& variables, RenderFormat format);

} // namespace davit
#pragma GCC visibility pop
