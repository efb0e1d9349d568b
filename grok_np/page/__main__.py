from grok_np.page.build import main

if __name__ == "__main__":
    main()
