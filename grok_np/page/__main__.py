from grok_np.page.explorer import main

if __name__ == "__main__":
    main()
